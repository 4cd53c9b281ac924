import { appendFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { takeLock } from '../../journal/lock.ts'

/**
 * A process that takes a lock again and again: `node lock-racer.js FOLDER LOG ROUNDS`. It notes in a log that all share
 * when it is inside; lines this short are appended whole. With ROUNDS `hold` it stays inside until it is killed.
 */
const [folder = '', log = '', rounds = ''] = process.argv.slice(2)

const note = (what: string): void => {
  appendFileSync(log, `${what} ${process.pid}\n`)
}

const enter = async (): Promise<() => Promise<void>> => {
  const lock = await takeLock(folder, {
    who: 'racer',
    now: new Date().toISOString(),
    again: async () => {
      await setImmediate()
      return true
    },
  })
  if (lock.kind !== 'held') throw new Error('it gave up')
  note('in')
  return () => lock.release()
}

if (rounds === 'hold') {
  await enter()
  process.stdout.write('held\n')
  process.stdin.resume()
} else {
  for (let round = 0; round < Number(rounds); round++) {
    const release = await enter()
    await setImmediate()
    note('out')
    await release()
  }
}
