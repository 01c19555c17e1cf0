#include "given.h"

#include <stdlib.h>
#include <string.h>

#include "examples.h"
#include "message.h"

static int ends_in(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* How many numbers of an example a file has, before the steps. */
static size_t numbers_of(const NncSource *source) {
    size_t numbers = source->format == NNC_LITERAL ? source->literal_width : source->width;
    for (size_t i = 0; i < source->step_count && source->format != NNC_LITERAL; i++) {
        if (source->steps[i].kind == NNC_ONE_HOT) numbers /= source->classes;
    }
    return numbers;
}

static int is_array(const NncSource *source) { return source->format == NNC_IDX || source->format == NNC_NPY; }

/* The next columns of a CSV file. */
static void take_columns(NncGiven *given, NncSource *source, long *next) {
    NncColumns *columns = &given->columns[given->block.source_count];
    *columns = (NncColumns){NULL, *next, *next + (long)numbers_of(source)};
    *next = columns->to;
    source->format = NNC_CSV;
    source->columns = columns;
    source->column_count = 1;
    source->header = -1;
}

static int give_source(const NncProgram *program, const NncBlock *like, const char *tensor, NncGiven *given, long *next) {
    const char *path = given->path;
    int is_csv = ends_in(path, ".csv") || ends_in(path, ".csv.gz");
    const NncSource *model = nnc_source_of(like, tensor);
    NncSource *source = &given->sources[given->block.source_count];
    if (model == NULL) {
        nnc_message(program->name, "data %s does not give '%s'", like->split, tensor);
        return 0;
    }
    *source = *model;
    source->place = NULL; /* what is wrong is not in the model */
    source->files = &given->path;
    source->file_count = 1;
    if (source->format == NNC_LITERAL || (source->format != NNC_CSV && is_csv)) take_columns(given, source, next);
    given->block.source_count++;
    return 1;
}

/* Whether one file can give all that is wanted. */
static int is_one_file(const NncProgram *program, const NncBlock *like, const NncGiven *given, const char *path) {
    size_t count = given->block.source_count, arrays = 0, by_model = 0;
    for (size_t i = 0; i < count; i++) {
        arrays += is_array(&given->sources[i]) ? 1 : 0;
        by_model += nnc_source_of(like, given->sources[i].tensor)->format == NNC_CSV ? 1 : 0;
    }
    if (arrays > 0 && count > 1) {
        nnc_message(program->name, "%s: the model reads '%s' and '%s' from files of their own; a CSV file can give both", path,
                    given->sources[0].tensor, given->sources[1].tensor);
        return 0;
    }
    if (by_model == 0 || by_model == count) return 1;
    nnc_message(program->name,
                "%s: the model reads only a part of its data from CSV files, so it is not known which columns are the rest",
                path);
    return 0;
}

int nnc_given_make(const NncProgram *program, const NncBlock *like, const char *path, int targets, NncGiven *given) {
    size_t count = program->input_count + (targets ? program->target_count : 0);
    long next = 0;
    memset(given, 0, sizeof *given);
    given->path = path;
    given->sources = calloc(count + 1, sizeof *given->sources);
    given->columns = calloc(count + 1, sizeof *given->columns);
    if (given->sources == NULL || given->columns == NULL) {
        nnc_message(program->name, "there is not enough memory");
        return 0;
    }
    given->block = (NncBlock){.sources = given->sources, .is_float = like->is_float};
    for (size_t i = 0; i < count; i++) {
        const NncMember *member = i < program->input_count ? &program->inputs[i] : &program->targets[i - program->input_count];
        if (!give_source(program, like, member->path, given, &next)) return 0;
    }
    return is_one_file(program, like, given, path);
}

void nnc_given_free(NncGiven *given) {
    free(given->sources);
    free(given->columns);
}
