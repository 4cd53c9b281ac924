import { setFlagsFromString } from 'node:v8'

/**
 * V8 lets its heap grow until much of it is rubbish that nobody has looked at yet. Beside dom0 memory is taken from all qubes, so
 * that what is large or stays long asks for less. It is asked here and not when Node is started, which would then compile all
 * its own modules anew (docs/performance.md).
 */

/**
 * What is new is collected in a small space, which a large spec would have made sixteen times as large: often, and so quickly
 * that several threads would wait for each other longer than one works.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--no-parallel-scavenge')
}

/** What has lived longer is collected before it has grown by more than this, which costs time: an apply waits for its writes. */
export function collectEarly(): void {
  setFlagsFromString('--heap-growing-percent=60')
}

/** As V8 has it by itself: compiled code that is kept is good for the options that were set when it was kept. */
export function letHeapGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString('--parallel-scavenge')
  setFlagsFromString('--heap-growing-percent=0')
}
