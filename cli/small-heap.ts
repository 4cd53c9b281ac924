import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect early instead of growing: half of what a plan of a thousand qubes would hold is rubbish that nobody has looked
 * at. Beside dom0 memory is taken from all qubes. Said here and not when Node is started, which would then compile all its own
 * modules anew (docs/performance.md).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=25')
}
