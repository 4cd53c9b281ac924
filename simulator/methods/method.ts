import { type Host, type Qube } from '../host/index.ts'

/** A request that names an existing source, destination and method. */
export interface MethodCall {
  readonly host: Host
  readonly source: Qube
  readonly dest: Qube
  readonly arg: string
  readonly payload: Buffer
}

/** A method of the Admin API, with what it takes. */
export interface Method {
  /** `ignored` before 4.4, which refuses one. */
  readonly arg: 'none' | 'ignored' | 'some' | 'any'
  readonly payload: 'none' | 'some' | 'any'
  /** `admin` if only dom0 may be the destination. */
  readonly dest: 'admin' | 'any'
  /** Answers, or throws a Failure. */
  readonly run: (call: MethodCall) => string
}

export type MethodTable = Readonly<Record<string, Method>>

const READS =
  /[.](List|Get|GetAll|GetDefault|Help|Events|CurrentState|Info|Stats|Available|Assigned|Attached)$/

/** Whether a request of this name changes the host. One that is not known counts: better one too many. */
export function isWrite(method: string): boolean {
  return (
    !READS.test(method) &&
    !/[.](CheckWith[A-Za-z]*|ListSnapshots|ListDrivers|UsageDetails|Index)$/.test(method)
  )
}
