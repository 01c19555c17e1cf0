#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fsync, open */
#endif
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int save_fail(char *why, size_t size, int number) {
    if (number == ENOMEM) snprintf(why, size, "there is not enough memory");
    else snprintf(why, size, "it cannot be written: %s", strerror(number));
    return 0;
}

/* A name in the folder of the target, so that renaming moves no data; -1 with errno. */
static int create_beside(const char *path, char *name) {
    int number, file = -1;
    for (number = 0; number < 100 && file < 0; number++) {
        sprintf(name, "%s.%ld-%d.tmp", path, (long)getpid(), number);
        file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file < 0 && errno != EEXIST) break;
    }
    return file;
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

static int save_whole(const char *path, void (*write)(FILE *, const void *), const void *context, char *why, size_t size) {
    char *name = malloc(strlen(path) + 40);
    FILE *out = NULL;
    int file, fine;
    if (name == NULL) return save_fail(why, size, ENOMEM);
    file = create_beside(path, name);
    if (file >= 0) out = fdopen(file, "wb");
    fine = out != NULL || save_fail(why, size, file >= 0 ? ENOMEM : errno);
    if (fine) {
        write(out, context);
        fine = (fflush(out) == 0 && !ferror(out) && fsync(file) == 0) || save_fail(why, size, errno);
        if (fclose(out) != 0 && fine) fine = save_fail(why, size, errno);
        if (fine && rename(name, path) != 0) fine = save_fail(why, size, errno);
        if (fine) sync_folder(path);
    } else if (file >= 0) {
        close(file);
    }
    if (!fine && file >= 0) unlink(name);
    free(name);
    return fine;
}

int nnc_save(const char *path, void (*write)(FILE *out, const void *context), const void *context, char *why, size_t size) {
    sigset_t interrupts, before;
    int fine;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGHUP);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    fine = save_whole(path, write, context, why, size);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return fine;
}
