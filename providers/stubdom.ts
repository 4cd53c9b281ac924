import { type Provider } from '../reconciler/index.ts'
import { storedProvider } from './stored.ts'

/** The stubdomain: read by qubesd's libvirt template when the qube starts. */
export const stubdom: Provider = storedProvider('stubdom', {
  effect: () => 'next-start',
  remark(path, value, { release }) {
    if (path === 'stubdom/qemuExtraArgs' && release === '4.2' && value !== null && value !== '') {
      return 'Qubes 4.2 ignores this feature'
    }
    return undefined
  },
})
