import { type Provider } from '../reconciler/index.ts'
import { storedProvider } from './stored.ts'

/** The stubdomain: read by qubesd's libvirt template when the qube starts. */
export const stubdom: Provider = storedProvider('stubdom', { effect: () => 'next-start' })
