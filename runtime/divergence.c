/* What is said about a loss, or a parameter, that is not finite. */
#include "train.h"

#include <math.h>
#include <string.h>

#include "member.h"
#include "message.h"
#include "number.h"

static void say_what_helps(const NncTraining *t) {
    const char *name = t->program->name;
    nnc_message(name, "a smaller rate, or inputs that are standardized, may help");
    if (t->save != NULL && t->saved_epoch > 0)
        nnc_message(name, "%s keeps the training up to epoch %lu", t->save, (unsigned long)t->saved_epoch);
    else if (t->save != NULL) nnc_message(name, "nothing was saved to %s", t->save);
}

static const NncMember *not_finite(const NncTraining *t, double *value) {
    const NncProgram *program = t->program;
    const NncMember *member = nnc_member_not_finite(program, program->parameters, program->parameter_count, t->parameters, value);
    if (member != NULL) return member;
    return nnc_member_not_finite(program, program->states, program->state_count, t->state, value);
}

/* The batch is in t->in and t->target, and the parameters are those before its step. */
static void say_step(NncTraining *t, double loss, size_t n) {
    const NncProgram *program = t->program;
    char number[NNC_NUMBER_LENGTH];
    uint32_t step;
    double value;
    const NncMember *parameter = not_finite(t, &value);
    const char *first;
    memcpy(&step, (char *)t->state + program->step_offset, sizeof step);
    nnc_number_print(number, loss);
    nnc_message(program->name, "in step %lu (epoch %lu) the loss is %s", (unsigned long)step + 1, (unsigned long)t->at.epoch + 1,
                number);
    first = parameter != NULL ? parameter->path : program->first_not_finite(t->parameters, t->state, t->in, t->target, n);
    if (first != NULL) nnc_message(program->name, "the first tensor that is not finite is '%s'", first);
}

void nnc_explain_divergence(NncTraining *t, size_t first, size_t end, double loss) {
    const NncProgram *program = t->program;
    char number[NNC_NUMBER_LENGTH];
    double of_batch;
    nnc_training_go_back(t);
    for (size_t n; first < end; first += n) {
        n = end - first < program->batch ? end - first : program->batch;
        nnc_training_keep(t);
        if (!nnc_training_rows(t, first, n, &of_batch, t->metrics)) return;
        if (isfinite(of_batch)) continue;
        nnc_training_go_back(t);
        say_step(t, of_batch, n);
        say_what_helps(t);
        return;
    }
    nnc_number_print(number, loss); /* finite losses whose sum is too large */
    nnc_message(program->name, "in epoch %lu the mean of the losses is %s", (unsigned long)t->at.epoch + 1, number);
    say_what_helps(t);
}

int nnc_training_is_finite(NncTraining *t) {
    char number[NNC_NUMBER_LENGTH];
    double value;
    const NncMember *member = not_finite(t, &value);
    if (member == NULL) return 1;
    nnc_number_print(number, value);
    nnc_display_clear(&t->display);
    nnc_message(t->program->name, "after step %lu (epoch %lu) '%s' holds %s", (unsigned long)t->at.step,
                (unsigned long)t->at.epoch, member->path, number);
    say_what_helps(t);
    return 0;
}
