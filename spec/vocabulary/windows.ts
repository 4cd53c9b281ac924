/** What a version of Windows needs at least: memory in MiB (Microsoft), and the root volume in GiB (Microsoft; for 11 the recipe of Qubes). */
export const WINDOWS_NEEDS: Readonly<Record<string, { readonly memory: number; readonly root: number }>> = {
  'windows-7': { memory: 2048, root: 20 },
  'windows-10': { memory: 2048, root: 32 },
  'windows-11': { memory: 4096, root: 60 },
}

/** Whether Xen takes memory from a qube and gives it back: Windows crashes then. */
export const isBalanced = (memory: number, maxmem: number): boolean => maxmem !== 0 && maxmem !== memory

/** From so much memory on, QEMU in the stubdomain has run out of its own (QubesOS/qubes-issues#3821). */
export const LARGE_MEMORY = 16_384
export const STUBDOM_FOR_LARGE = 256
