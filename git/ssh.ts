/** Files on this host; null for those of ssh's own settings. */
export interface SshFiles {
  readonly identity: string | null
  readonly knownHosts: string | null
}

/**
 * How git reaches a server by ssh: it asks nobody, and gives up a server that is silent. A command of the caller's own
 * (GIT_SSH_COMMAND, GIT_SSH) is kept.
 */
export function sshOf({ identity, knownHosts }: SshFiles): Readonly<Record<string, string>> {
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    // A connection that is shared would outlive the fetch, and hold on to its output.
    ...['ControlMaster=no', 'ControlPath=none'],
    ...(identity === null && knownHosts === null ? [] : ['StrictHostKeyChecking=yes']),
    ...(identity === null ? [] : [`IdentityFile=${literal(identity)}`, 'IdentitiesOnly=yes']),
    ...(knownHosts === null ? [] : [`UserKnownHostsFile=${literal(knownHosts)}`]),
  ]
  const program = process.env['GIT_SSH_COMMAND'] ?? quoteForShell(process.env['GIT_SSH'] ?? 'ssh')
  // git hands this to a shell.
  return { GIT_SSH_COMMAND: [program, ...options.map((option) => `-o ${quoteForShell(option)}`)].join(' ') }
}

export const quoteForShell = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** A path as ssh reads it: else it would end at a space, and `%h` would stand for a host. Quotes are not in it: it was checked. */
const literal = (path: string): string => `"${path.replaceAll('%', '%%')}"`
