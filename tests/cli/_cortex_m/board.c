/* A Cortex-M4F with nothing on it: vectors, reset, and output and exit through the debugger (semihosting), which QEMU answers. */
#include <stddef.h>
#include <stdint.h>

#include "train.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

extern uint32_t data_begin[], data_end[], data_image[], bss_begin[], bss_end[], stack_end[]; /* board.ld */
void reset(void);
void *memset(void *to, int byte, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count);

/* Compilers write calls of these even where the code has none, for what is zeroed and copied. volatile: not into themselves. */
void *memset(void *to, int byte, size_t count) {
    volatile unsigned char *at = to;
    while (count-- > 0) *at++ = (unsigned char)byte;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    volatile unsigned char *at = to;
    const unsigned char *next = from;
    while (count-- > 0) *at++ = *next++;
    return to;
}

static void ask_debugger(uint32_t what, const void *with) {
    register uint32_t r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = with;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) { ask_debugger(SYS_WRITE0, text); }

__attribute__((noreturn)) static void leave(uint32_t code) {
    const uint32_t block[] = {APPLICATION_EXIT, code};
    for (;;) ask_debugger(SYS_EXIT_EXTENDED, block);
}

void reset(void) {
    volatile uint32_t *coprocessors = (volatile uint32_t *)(uintptr_t)0xE000ED88U; /* CPACR */
    *coprocessors |= 0xFU << 20;                                                   /* the floating-point unit */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (size_t i = 0; data_begin + i < data_end; i++) data_begin[i] = data_image[i];
    for (uint32_t *at = bss_begin; at < bss_end; at++) *at = 0;
    train_network(print);
    leave(0);
}

static void fault(void) {
    print("fault\n");
    leave(1);
}

typedef void (*Handler)(void);
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    Handler handlers[15];
} vectors = {stack_end, {reset, fault, fault, fault, fault, fault}};
