import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'

/** Another one after each start of this machine. */
export const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()

/** Seconds since this machine was started, those of its sleep among them. No one sets this clock. */
export const secondsSinceBoot = (): number => uptime()
