export { recordedHost } from './host.ts'
export { readHostState } from './model.ts'
export { recordHost } from './record.ts'
