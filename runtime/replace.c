#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fdopen, fsync, sigprocmask */
#endif
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sigset_t signals_before;

static int replace_fail(NncReplacement *r) {
    if (r->message[0] == '\0')
        snprintf(r->message, sizeof r->message, errno == ENOMEM ? "there is not enough memory" : "it cannot be written: %s",
                 strerror(errno));
    return 0;
}

/* In the folder of the target, so that renaming moves no data. */
static int create_beside(NncReplacement *r) {
    int number, file = -1;
    r->name = malloc(strlen(r->path) + 40);
    for (number = 0; r->name != NULL && number < 100 && file < 0; number++) {
        sprintf(r->name, "%s.%ld-%d.tmp", r->path, (long)getpid(), number);
        file = open(r->name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file < 0 && errno != EEXIST) break;
    }
    if (file < 0) return replace_fail(r);
    r->file = fdopen(file, "wb");
    if (r->file != NULL) return 1;
    replace_fail(r);
    close(file);
    unlink(r->name);
    return 0;
}

/* A rename is on disk once its folder is. Systems that cannot do this with folders say so, and are believed. */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = malloc(strlen(path) + 2);
    int file;
    if (folder == NULL) return;
    strcpy(folder, path);
    if (slash == NULL) strcpy(folder, ".");
    else folder[slash == path ? 1 : slash - path] = '\0';
    file = open(folder, O_RDONLY);
    free(folder);
    if (file < 0) return;
    fsync(file);
    close(file);
}

FILE *nnc_replace_begin(const char *path, NncReplacement *r) {
    sigset_t interrupts;
    memset(r, 0, sizeof *r);
    r->path = path;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGHUP);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigprocmask(SIG_BLOCK, &interrupts, &signals_before);
    if (create_beside(r)) return r->file;
    free(r->name);
    sigprocmask(SIG_SETMASK, &signals_before, NULL);
    return NULL;
}

int nnc_replace_interrupted(void) {
    static const int interrupts[] = {SIGHUP, SIGINT, SIGTERM};
    sigset_t waiting;
    int any = 0;
    sigemptyset(&waiting);
    sigpending(&waiting);
    for (size_t i = 0; i < sizeof interrupts / sizeof *interrupts; i++) {
        struct sigaction action; /* a program below nohup ignores SIGHUP, which waits all the same */
        any |= sigismember(&waiting, interrupts[i]) == 1 && sigaction(interrupts[i], NULL, &action) == 0 &&
               action.sa_handler != SIG_IGN;
    }
    return any;
}

int nnc_replace_end(NncReplacement *r, int wanted) {
    int fine = wanted;
    if (fine) fine = (fflush(r->file) == 0 && !ferror(r->file) && fsync(fileno(r->file)) == 0) || replace_fail(r);
    if (fclose(r->file) != 0 && fine) fine = replace_fail(r);
    if (fine && rename(r->name, r->path) != 0) fine = replace_fail(r);
    if (fine) sync_folder(r->path);
    else unlink(r->name);
    free(r->name);
    sigprocmask(SIG_SETMASK, &signals_before, NULL);
    return fine;
}
