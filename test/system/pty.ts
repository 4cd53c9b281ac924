/** Runs a command on a real terminal (Python has one), gives an answer once it is asked for, and tells how it ended. */
export const PTY = `
import os, pty, select, signal, sys
answer, argv = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
seen, asked = b'', False
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    if not asked and b'[y/N] ' in seen:
        asked = True
        if answer == 'SIGTERM':
            os.kill(pid, signal.SIGTERM)
        else:
            os.write(fd, {'SIGINT': b'\\x03', 'EOF': b'\\x04'}.get(answer, answer.encode() + b'\\r'))
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
`
