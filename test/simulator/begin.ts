import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext } from 'node:test'
import { type SimulatedVersion } from '../../simulator/host/release.ts'
import { type Simulator, startSimulator } from '../../simulator/index.ts'
import { request, show } from './ask.ts'

/** A simulator of the default host, with one call for a request and one for the events that it caused. */
export async function begin(
  t: TestContext,
  release: SimulatedVersion,
  dom0Files?: string,
): Promise<{ simulator: Simulator; act: Act; heard: () => string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'qstate-behaviour-'))
  const simulator = await startSimulator({
    socket: join(dir, 's'),
    release,
    ...(dom0Files === undefined ? {} : { dom0Files }),
  })
  t.after(async () => {
    await simulator.close()
    rmSync(dir, { recursive: true })
  })
  const events: string[] = []
  simulator.host.listeners.add((event) => events.push(`${event.subject?.name ?? '@'} ${event.name}`))
  const act: Act = (service, dest, payload = '') => {
    events.length = 0
    return show(simulator.act(request(service, dest, payload)))
  }
  return { simulator, act, heard: () => [...events] }
}

export type Act = (service: string, dest: string, payload?: string) => string
