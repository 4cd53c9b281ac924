import { Failure, fire, hasTemplate, type Host, isOrdinary, isRunning, type Qube } from '../host/index.ts'
import { definition, inheritedFeature, setProperty } from '../properties/index.ts'
import { setFeature } from './features.ts'

// Windows Tools suggest these once; a feature that is there, even as the empty string, is left alone.
const SUGGESTED = {
  'stubdom-qrexec': '1',
  'audio-model': 'ich6',
  timezone: 'localtime',
  'no-monitor-layout': '1',
}

/** What the daemon does each time the Windows Tools of a running qube announce themselves. */
export function notifyTools(host: Host, qube: Qube): void {
  // A qube that has a template is not believed.
  if (!isOrdinary(qube) || hasTemplate(qube) || !isRunning(qube)) return
  try {
    announce(host, qube)
  } catch (error) {
    // 4.4 fails to change `maxmem` of a running qube; the guest does not care, and the rest is not done.
    if (!(error instanceof Failure)) throw error
  }
}

function announce(host: Host, qube: Qube): void {
  setFeature(host, qube, 'os', 'Windows')
  setFeature(host, qube, 'rpc-clipboard', '1')
  setProperty(host, qube, definition(host, qube, 'maxmem'), 0)
  setProperty(host, qube, definition(host, qube, 'qrexec_timeout'), 6000)
  for (const [name, value] of Object.entries(SUGGESTED)) {
    if (inheritedFeature(host, qube, name) === undefined) setFeature(host, qube, name, value)
  }
  const announced = "{'os': 'Windows', 'qrexec': '1', 'gui': '1'}"
  fire(host, qube, 'features-request', { untrusted_features: announced })
  const first = !qube.features.get('qrexec')
  for (const name of ['qrexec', 'gui']) if (!qube.features.has(name)) setFeature(host, qube, name, '1')
  if (first && qube.features.get('qrexec')) fire(host, qube, 'template-postinstall')
}
