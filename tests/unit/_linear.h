/* A network as a compiler might write it: y = W x + b, mean squared error, momentum, and the running mean of x as the state of a
   layer. Included with NUMBER float and with double; NAMED(x) makes names of it. rate, noisiness and poisoned_step are the test's. */

typedef struct {
    NUMBER W[2], b[1];
} NAMED(Parameters);

typedef struct {
    NUMBER W_v[2], b_v[1], mean[2];
    uint32_t step, epoch;
    uint64_t seed;
} NAMED(State);

typedef struct {
    NUMBER x[2];
} NAMED(Input);

typedef struct {
    NUMBER t[1];
} NAMED(Target);

static void NAMED(init)(void *parameters, void *state, uint64_t seed) {
    NAMED(Parameters) *p = parameters;
    NAMED(State) *s = state;
    memset(s, 0, sizeof *s);
    s->seed = seed;
    for (uint64_t i = 0; i < 2; i++) p->W[i] = (NUMBER)nnc_random_uniform(seed, 0, 0, i);
    p->b[0] = 0;
}

static NUMBER NAMED(output)(const NAMED(Parameters) * p, const NAMED(Input) * in) {
    return p->W[0] * in->x[0] + p->W[1] * in->x[1] + p->b[0];
}

static double NAMED(evaluate)(const void *parameters, const void *state, void *work, const void *in, const void *target, size_t n,
                              double *metrics) {
    const NAMED(Input) *x = in;
    const NAMED(Target) *t = target;
    double loss = 0;
    (void)state, (void)work;
    metrics[0] = 0;
    for (size_t i = 0; i < n; i++) {
        NUMBER d = NAMED(output)(parameters, &x[i]) - t[i].t[0];
        loss += (double)(d * d);
        metrics[0] += fabs((double)d);
    }
    metrics[0] /= (double)n;
    return loss / (double)n;
}

static void NAMED(update)(NUMBER *w, NUMBER *v, NUMBER gradient, const NAMED(State) * s) {
    *v = (NUMBER)0.5 * *v + (NUMBER)(rate / (1 + 0.1 * (double)s->epoch)) * gradient;
    *w -= *v;
}

static void NAMED(step)(NAMED(Parameters) * p, NAMED(State) * s, const NAMED(Input) * x, const NAMED(Target) * t, size_t n) {
    NUMBER dW[2] = {0, 0}, db = 0, noise = (NUMBER)(noisiness * nnc_random_uniform(s->seed, 1, s->step + 1, 0));
    for (size_t i = 0; i < n; i++) {
        NUMBER d = 2 * (NAMED(output)(p, &x[i]) - t[i].t[0]) / (NUMBER)n;
        for (size_t k = 0; k < 2; k++) dW[k] += d * x[i].x[k];
        db += d;
    }
    for (size_t k = 0; k < 2; k++) {
        NAMED(update)(&p->W[k], &s->W_v[k], dW[k] + noise, s);
        s->mean[k] += (NUMBER)0.1 * (x[0].x[k] - s->mean[k]);
    }
    NAMED(update)(&p->b[0], &s->b_v[0], db, s);
    s->step++;
    if (s->step == poisoned_step) p->W[1] = (NUMBER)INFINITY;
}

static double NAMED(train)(void *parameters, void *state, void *work, const void *in, const void *target, size_t n,
                           double *metrics) {
    const NAMED(Input) *x = in;
    const NAMED(Target) *t = target;
    double loss = 0, metric = 0;
    for (size_t first = 0, count; first < n; first += count) {
        count = n - first < BATCH ? n - first : BATCH;
        loss += (double)count * NAMED(evaluate)(parameters, state, work, x + first, t + first, count, metrics);
        metric += (double)count * metrics[0];
        NAMED(step)(parameters, state, x + first, t + first, count);
    }
    metrics[0] = metric / (double)n;
    return loss / (double)n;
}

static const char *NAMED(first_not_finite)(const void *parameters, const void *state, const void *in, const void *target,
                                           size_t n) {
    const NAMED(Input) *x = in;
    double metric;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(NAMED(output)(parameters, &x[i]))) return "output";
    }
    return isfinite(NAMED(evaluate)(parameters, state, NULL, in, target, n, &metric)) ? NULL : "loss";
}

static const NncMember NAMED(parameters)[] = {
    {"W", offsetof(NAMED(Parameters), W), 2, 2, {1, 2}, 0, 0, {{0, 0, 0}}},
    {"b", offsetof(NAMED(Parameters), b), 1, 1, {1}, 0, 0, {{0, 0, 0}}},
};
static const NncMember NAMED(states)[] = {
    {"optimizer.W.v", offsetof(NAMED(State), W_v), 2, 2, {1, 2}, 0, 0, {{0, 0, 0}}},
    {"optimizer.b.v", offsetof(NAMED(State), b_v), 1, 1, {1}, 0, 0, {{0, 0, 0}}},
    {"norm.mean", offsetof(NAMED(State), mean), 2, 1, {2}, 0, 0, {{0, 0, 0}}},
};
static const NncMember NAMED(inputs)[] = {{"x", 0, 2, 1, {2}, 0, 0, {{0, 0, 0}}}};
static const NncMember NAMED(targets)[] = {{"t", 0, 1, 1, {1}, 0, 0, {{0, 0, 0}}}};

static NncProgram NAMED(program)(void) {
    return (NncProgram){.name = "linear",
                        .number_size = sizeof(NUMBER),
                        .parameters_size = sizeof(NAMED(Parameters)),
                        .state_size = sizeof(NAMED(State)),
                        .work_size = 8,
                        .evaluate_work_size = 8,
                        .input_size = sizeof(NAMED(Input)),
                        .target_size = sizeof(NAMED(Target)),
                        .parameters = NAMED(parameters),
                        .states = NAMED(states),
                        .inputs = NAMED(inputs),
                        .targets = NAMED(targets),
                        .parameter_count = 2,
                        .state_count = 3,
                        .input_count = 1,
                        .target_count = 1,
                        .step_offset = offsetof(NAMED(State), step),
                        .epoch_offset = offsetof(NAMED(State), epoch),
                        .metrics = metric_names,
                        .metric_count = 1,
                        .init = NAMED(init),
                        .train = NAMED(train),
                        .evaluate = NAMED(evaluate),
                        .first_not_finite = NAMED(first_not_finite),
                        .batch = BATCH,
                        .epochs = 6,
                        .seed = 7,
                        .shuffle = 1,
                        .train_data = &train_block};
}
