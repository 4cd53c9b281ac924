import { type Simulator } from '../../simulator/index.ts'

type Request = Simulator['requests'][number]

/** Resolves as soon as the simulator takes the n-th request (from 0, since the log was last cleared) that fits. */
export function untilRequest(
  simulator: Simulator,
  fits: (request: Request) => boolean,
  nth: number,
): { readonly taken: Promise<void>; stop(): void } {
  const requests = simulator.requests as Request[]
  let stop = (): void => undefined
  const taken = new Promise<void>((resolve) => {
    const push = Array.prototype.push.bind(requests)
    stop = () => {
      Reflect.deleteProperty(requests, 'push')
    }
    // The log is a plain array of this process: its `push` is where requests come by.
    Object.defineProperty(requests, 'push', {
      configurable: true,
      value: (request: Request) => {
        const length = push(request)
        if (requests.filter(fits).length > nth) {
          stop()
          resolve()
        }
        return length
      },
    })
  })
  return { taken, stop }
}
