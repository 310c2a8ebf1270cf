/**
 * Allocation buffer: a mutator's runs of free memory (TLABs), for embedders whose generated code allocates objects itself.
 */
import { CONTROL_TLAB_LIMIT, CONTROL_TLAB_TOP } from '../binding/layout.ts';

/**
 * A mutator's runs of free memory, for code that allocates objects itself.
 *
 *     const { control, top, limit } = mutator.allocationBuffer;      // once; of a leaf shape, leafTop and leafLimit
 *     let ref = control[top];
 *     if (ref + WORDS <= control[limit]) {
 *       u32[ref * 2 + 1] = COUNT;                                    // first the element count (0 without elements),
 *       u32[ref * 2] = shape.id;                                     // then the shape,
 *       control[top] = ref + WORDS;                                  // then the top, then anything else
 *     } else ref = mutator.allocate(shape, COUNT);                   // a safepoint
 *
 * The memory is zeroed. Header before top: code that is interrupted in between, by a time limit or a full stack, has taken nothing. There
 * must be no safepoint in between, and every word that is taken must belong to an object with a header. `WORDS` is `shape.words(COUNT)`.
 * Objects above 512 KiB do not fit, so they come to `allocate`.
 *
 * There are two runs. Any object may be taken from the one between `top` and `limit`. Objects that hold no references (`shape.isLeaf`)
 * are best taken from the one between `leafTop` and `leafLimit`: the collector then never has to look at the pages that they lie on, and
 * writing to them costs nothing while marking runs. No other object may ever be taken from there: the next collection that finds one ends
 * the process. In heaps below 8 MiB both are the same run. Which buffer a shape uses is known when code is generated, so the choice
 * costs nothing.
 */
export interface AllocationBuffer {
  /** The mutator's control block; nothing else in it is for programs. */
  readonly control: Uint32Array;
  /** Index into `control` of the first free word, which will be the next {@link Ref}. */
  readonly top: number;
  /** Index into `control` of the end of the run. Both change at every safepoint. */
  readonly limit: number;
  /** The same for objects of leaf shapes alone; `top` where the heap does not keep them apart. */
  readonly leafTop: number;
  /** The end of that run. */
  readonly leafLimit: number;
}

/** @internal `leafTop`: where leaves are allocated, with the limit behind it. */
export function allocationBufferOf(control: Uint32Array, leafTop: number): AllocationBuffer {
  return { control, top: CONTROL_TLAB_TOP, limit: CONTROL_TLAB_LIMIT, leafTop, leafLimit: leafTop + 1 };
}
