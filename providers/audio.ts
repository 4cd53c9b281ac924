import { VERSIONS } from '../qubesd/index.ts'
import { type Provider } from '../reconciler/index.ts'
import { demandOf } from './demands.ts'
import { storedProvider } from './stored.ts'

const LATENCY: ReadonlySet<string> = new Set(['audio/timerPeriod', 'audio/latency', 'audio/bufferLength'])

/**
 * Sound: the model of the emulated card, the qube that plays it, and the latency features of the documentation.
 * qubesd moves a running qube to another audio qube at once if it has model and stubdomain qrexec (qubes/ext/audio.py);
 * whether it has is not read for this, so that the careful answer is given.
 */
export const audio: Provider = storedProvider('audio', {
  effect: () => 'next-start',
  demand: demandOf,
  remark(path, value, { version }) {
    if (LATENCY.has(path) && value !== null)
      return `${VERSIONS[version].label} reads this feature nowhere: it changes nothing`
    if (path === 'audio/model' && typeof value === 'string' && !['', 'ich6'].includes(value)) {
      return 'likely silent: the stubdomain passes its audio backend to ich6 only'
    }
    return undefined
  },
})
