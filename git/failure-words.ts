/** What git, or ssh below it, says went wrong, by a line of its own; and what to do. */
const TELLING: readonly (readonly [RegExp, string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/,
    'compare the key that the server presents with the one its operator publishes; only if it is right, put it into known_hosts (`knownHosts` of `source`)',
  ],
  [
    /does not appear to be a git repository|[Rr]epository .*not found|does not exist|No such project/,
    'correct the URL of the repository (`url` of `source`); a private one is also called missing where the key may not read it',
  ],
  [
    /Permission denied|Authentication failed|could not read (?:Username|Password)|returned error: 40[13]/,
    'the server does not accept these credentials: check `identity` or `credentials` of `source`, and that they may read the repository',
  ],
  [
    /Could not resolve host|Name or service not known|Temporary failure in name resolution/,
    'check the name of the server in the URL, and the network of this machine',
  ],
  [
    /Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Failed to connect/,
    'check that the server runs and that this machine reaches it',
  ],
  [/certificate/i, 'check the certificate of the server, and the clock of this machine'],
  [/couldn't find remote ref|Remote branch .* not found/, 'correct `branch` or `tag` of `source`'],
  [
    /dubious ownership/,
    'the repository belongs to another user: run this as its owner, or name it in `safe.directory` of git',
  ],
  [
    /cannot use bare repository/,
    'a commit can hold one, so it is not taken for yours; name it if it is: GIT_DIR=.',
  ],
  [/not a git repository/, 'run this in a git repository'],
]

/** These follow whatever went wrong, and say nothing of it. */
const ALWAYS_SAID =
  /^(?:Please make sure you have the correct access rights|and the repository exists\.|fatal: Could not read from remote repository\.)/

const MOST = 400

/** The line that tells first, then the last others. What the server says itself (`remote:`) is quoted, and decides nothing. */
export function tellingWords(all: readonly string[]): { readonly words: string; readonly hint: string } {
  // ssh draws a frame around the worst.
  const lines = all.map((line) => line.replace(/^@+\s*|\s*@+$/g, '')).filter((line) => line !== '')
  for (const [pattern, hint] of TELLING) {
    const line = lines.find((one) => !one.startsWith('remote:') && pattern.test(one))
    if (line === undefined) continue
    const rest = lines.filter((one) => one !== line && !ALWAYS_SAID.test(one)).slice(-2)
    return { words: [line, ...rest].join('; ').slice(0, MOST), hint }
  }
  const hint = 'what git says is quoted; nothing was touched'
  return { words: lines.slice(-3).join('; ').slice(0, MOST), hint }
}
