// What OCaml's runtime tells of its collections: hooks at the begin and the end of a minor collection and of a slice of the major one.
// The program stands still in both. They only store into tables that are there already. When a major collection has swept everything,
// which is noticed at the end of a slice, what is not in a free list is what it left.
#define _GNU_SOURCE
#define CAML_INTERNALS
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include <caml/domain_state.h>
#include <caml/freelist.h>
#include <caml/misc.h>
#include <caml/mlvalues.h>

enum { MOST_PAUSES = 1 << 18 };

static struct {
  intnat start_ns;
  intnat length_ns;
} pauses[MOST_PAUSES];
static struct {
  intnat time_ns;
  intnat bytes;
} cycles[MOST_PAUSES];
static intnat used;
static intnat cycles_used;
static intnat cycles_seen;
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

static void note_cycle(void) {
  if (Caml_state_field(stat_major_collections) == cycles_seen) return;
  cycles_seen = Caml_state_field(stat_major_collections);
  if (cycles_used >= MOST_PAUSES) return;
  cycles[cycles_used].time_ns = peer_now_ns(Val_unit);
  cycles[cycles_used].bytes = (Caml_state_field(stat_heap_wsz) - (intnat)caml_fl_cur_wsz) * (intnat)sizeof(value);
  ++cycles_used;
}

static void end(void) {
  if (--depth > 0 || used >= MOST_PAUSES) return;
  pauses[used].start_ns = started_ns;
  pauses[used].length_ns = peer_now_ns(Val_unit) - started_ns;
  ++used;
}

static void end_of_slice(void) {
  note_cycle();
  end();
}

value peer_observe_collections(value unit) {
  caml_minor_gc_begin_hook = begin;
  caml_minor_gc_end_hook = end;
  caml_major_slice_begin_hook = begin;
  caml_major_slice_end_hook = end_of_slice;
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

value peer_cycle_count(value unit) {
  (void)unit;
  return Val_long(cycles_used);
}

value peer_cycle_time(value index) { return Val_long(cycles[Long_val(index)].time_ns); }
value peer_cycle_bytes(value index) { return Val_long(cycles[Long_val(index)].bytes); }
