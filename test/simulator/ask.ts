import { connect } from 'node:net'

/** Sends one request as qubesd wants it and gives all that comes back: empty for a refusal or a broken connection. */
export function askBytes(socket: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const connection = connect(socket)
    connection.on('data', (chunk: Buffer) => chunks.push(chunk))
    // Breaking off a request that is too long is an answer too.
    connection.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    connection.on('close', () => {
      resolve(Buffer.concat(chunks))
    })
    connection.end(request)
  })
}

export function request(service: string, dest: string, payload = ''): Buffer {
  return Buffer.from(`${service} dom0 name ${dest}\0${payload}`, 'latin1')
}

/** As text, with the NULs shown as `|`. */
export async function ask(socket: string, service: string, dest: string, payload = ''): Promise<string> {
  return show(await askBytes(socket, request(service, dest, payload)))
}

export function show(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll('\0', '|')
}
