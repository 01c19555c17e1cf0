/* Random models: the first seeds of tests/random, or a range of them. See tests/random/README.md.

   test_random_models [FROM [COUNT [SECONDS]]]: with 0 seconds what fails is printed as it is, not made smaller
   or --text SEED, which prints a model, or --file MODEL.nn, which judges one with every compiler */
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../random/random_models.h"

#ifdef NNC_CHECK
enum { MODELS = 20 };
#else
enum { MODELS = 48 };
#endif
enum { WORKERS = 2, MOST_REFUSED = 15 /* of a hundred */, PROGRESS = 100 };

static int seconds_to_shrink = 60;

typedef struct {
    long judged, refused, not_finite, wrong;
} Counts;

typedef struct {
    const char *folder, *check;
    uint64_t effort;
} Wrong;

static bool still_wrong(void *context, const char *text) {
    const Wrong *wrong = context;
    Arena *arena = arena_new();
    Verdict verdict = judge(arena, text, wrong->effort, strcmp(wrong->check, "crash") == 0 ? NULL : wrong->check, wrong->folder);
    bool still = verdict.judgement == JUDGED_WRONG && strcmp(verdict.check, wrong->check) == 0;
    arena_free(arena);
    return still;
}

/* `name` of the model in what is printed. */
static Judgement judge_text(Arena *arena, const char *name, const char *text, uint64_t effort, const char *folder) {
    Verdict verdict = judge(arena, text, effort, NULL, folder);
    if (verdict.judgement != JUDGED_WRONG) return verdict.judgement;
    Wrong wrong = {folder, verdict.check, effort};
    const char *smallest = shrink(arena, text, still_wrong, &wrong, seconds_to_shrink);
    Verdict again = judge(arena, smallest, effort, strcmp(wrong.check, "crash") == 0 ? NULL : wrong.check, folder);
    bool repeats = again.judgement == JUDGED_WRONG;
    printf("FAILED %s: %s%s\n%s%s----\n", name, verdict.check, repeats ? "" : ", but not again",
           repeats ? again.words : verdict.words, smallest);
    fflush(stdout);
    return JUDGED_WRONG;
}

static Counts work(uint64_t from, uint64_t count, int worker, const char *build) {
    Counts counts = {0};
    for (uint64_t seed = from + (uint64_t)worker; seed < from + count; seed += WORKERS) {
        Arena *arena = arena_new();
        const char *folder = arena_printf(arena, "%s/%d", build, worker),
                   *name = arena_printf(arena, "seed %llu", (unsigned long long)seed);
        Judgement judgement = judge_text(arena, name, random_model(arena, seed), seed, folder);
        counts.judged++;
        counts.refused += judgement == JUDGED_REFUSED;
        counts.not_finite += judgement == JUDGED_NOT_FINITE;
        counts.wrong += judgement == JUDGED_WRONG;
        if (counts.judged % PROGRESS == 0 && isatty(STDERR_FILENO))
            fprintf(stderr, "seed %llu: %ld of this process judged, %ld wrong\n", (unsigned long long)seed, counts.judged,
                    counts.wrong);
        arena_free(arena);
    }
    return counts;
}

static Counts work_together(uint64_t from, uint64_t count, const char *build) {
    Counts all = {0};
    int ends[2];
    if (pipe(ends) != 0) return all;
    for (int worker = 0; worker < WORKERS; worker++) {
        if (fork() != 0) continue;
        Counts counts = work(from, count, worker, build);
        _exit(write(ends[1], &counts, sizeof counts) == sizeof counts ? 0 : 1);
    }
    for (int worker = 0, status; worker < WORKERS; worker++) {
        Counts counts;
        if (wait(&status) < 0 || status != 0 || read(ends[0], &counts, sizeof counts) != sizeof counts)
            return (Counts){.wrong = 1};
        all.judged += counts.judged;
        all.refused += counts.refused;
        all.not_finite += counts.not_finite;
        all.wrong += counts.wrong;
    }
    return all;
}

static const char *file_text(Arena *arena, const char *path) {
    Text *text = text_new(arena);
    char line[4096];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) text_put(text, line);
    if (file != NULL) fclose(file);
    return text_string(text);
}

static int judge_file(Arena *arena, const char *path, const char *build) {
    static const char *const words[] = {"fine", "refused", "not finite", "wrong"};
    Verdict verdict = judge(arena, file_text(arena, path), 0, NULL, arena_printf(arena, "%s/0", build));
    printf("%s%s%s%s\n", verdict.words, words[verdict.judgement],
           verdict.check != NULL && verdict.judgement == JUDGED_WRONG ? ": " : "",
           verdict.judgement == JUDGED_WRONG ? verdict.check : "");
    return verdict.judgement == JUDGED_FINE ? 0 : 1;
}

int main(int count, char **words) {
    Arena *arena = arena_new();
    char build[] = "/tmp/nnc_test_XXXXXX";
    int code;
    if (mkdtemp(build) == NULL) return 1;
    if (count == 3 && strcmp(words[1], "--text") == 0) {
        fputs(random_model(arena, strtoull(words[2], NULL, 10)), stdout);
        code = 0;
    } else if (count == 3 && strcmp(words[1], "--file") == 0) {
        code = judge_file(arena, words[2], build);
    } else {
        uint64_t from = count > 1 ? strtoull(words[1], NULL, 10) : 1, number = count > 2 ? strtoull(words[2], NULL, 10) : MODELS;
        if (count > 3) seconds_to_shrink = atoi(words[3]);
        Counts all = work_together(from, number, build);
        printf("%ld models: %ld refused, %ld not finite, %ld wrong\n", all.judged, all.refused, all.not_finite, all.wrong);
        code = all.wrong > 0 || (all.refused + all.not_finite) * 100 > all.judged * MOST_REFUSED;
    }
    pid_t child = fork();
    if (child == 0) _exit(execlp("rm", "rm", "-rf", build, (char *)NULL));
    waitpid(child, NULL, 0);
    arena_free(arena);
    return code;
}
