// What OCaml's runtime tells of its collections: hooks at the begin and the end of a minor collection and of a slice of the major one.
// The program stands still in both. They only store into a table that is there already.
#define _GNU_SOURCE
#define CAML_INTERNALS
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include <caml/misc.h>
#include <caml/mlvalues.h>

enum { MOST_PAUSES = 1 << 18 };

static struct {
  intnat start_ns;
  intnat length_ns;
} pauses[MOST_PAUSES];
static intnat used;
static intnat started_ns;
// A slice begins inside of a minor collection's pause, or the other way round: the outer one counts.
static int depth;

intnat peer_now_ns(value unit) {
  (void)unit;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (intnat)now.tv_sec * 1000000000 + now.tv_nsec;
}

value peer_now_ns_boxed(value unit) { return Val_long(peer_now_ns(unit)); }

static void begin(void) {
  if (depth++ == 0) started_ns = peer_now_ns(Val_unit);
}

static void end(void) {
  if (--depth > 0 || used >= MOST_PAUSES) return;
  pauses[used].start_ns = started_ns;
  pauses[used].length_ns = peer_now_ns(Val_unit) - started_ns;
  ++used;
}

value peer_observe_collections(value unit) {
  caml_minor_gc_begin_hook = begin;
  caml_minor_gc_end_hook = end;
  caml_major_slice_begin_hook = begin;
  caml_major_slice_end_hook = end;
  return unit;
}

value peer_name_thread(value unit) {
  prctl(PR_SET_NAME, "mutator-0");
  return unit;
}

value peer_pause_count(value unit) {
  (void)unit;
  return Val_long(used);
}

value peer_pause_start(value index) { return Val_long(pauses[Long_val(index)].start_ns); }
value peer_pause_length(value index) { return Val_long(pauses[Long_val(index)].length_ns); }
