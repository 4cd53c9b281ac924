"""Drives dom0/qstate.Slic in one process.

    driver.py serve SERVICE               a request a line on stdin as JSON, the answer a line in base64
    driver.py fuzz SERVICE ROOT SEED N    N hostile calls; ends with 1 and the call at the first that goes wrong
"""

import base64
import importlib.machinery
import importlib.util
import io
import json
import os
import random
import struct
import sys


def load(path):
    loader = importlib.machinery.SourceFileLoader('slic_service', path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('slic_service', loader))
    loader.exec_module(module)
    return module


def serve(service):
    for line in sys.stdin:
        request = json.loads(line)
        answer = service.answer(request['args'], io.BytesIO(base64.b64decode(request['payload'])))
        print(base64.b64encode(answer).decode(), flush=True)


# What the service may do to files is watched from below: the interpreter tells of every file that is opened to write,
# made, renamed or removed.


class Watch:
    def __init__(self, root):
        self.allowed = tuple(f'{root}/{folder}' for folder in ('etc/qubes/templates/libvirt', 'var/lib/qstate', 'run'))
        self.outside = []
        self.on = False

    def __call__(self, event, args):
        if not self.on:
            return
        if event == 'open':
            path, mode, flags = args
            writes = (isinstance(mode, str) and any(c in mode for c in 'wax+')) or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            paths = [path] if writes and not isinstance(path, int) else []
        elif event in ('os.mkdir', 'os.remove', 'os.rmdir', 'os.truncate', 'os.chmod', 'os.chown', 'os.symlink'):
            paths = [path for path in args[:1] if not isinstance(path, int)]
        elif event in ('os.rename', 'os.link'):
            paths = list(args[:2])
        elif event in ('subprocess.Popen', 'os.system', 'os.exec', 'socket.connect', 'os.fork'):
            paths = [event]
        else:
            return
        for path in paths:
            text = os.fsdecode(path) if isinstance(path, (str, bytes)) else str(path)
            if not os.path.normpath(text).startswith(self.allowed):
                self.outside.append(f'{event} {text}')


WORDS = [
    b'host:SLIC', b'host:MSDM', b'host:slic', b'host:', b'file:', b'\n', b' ', b'\0', b'\r\n', b'../', b'/', b'%', b'{{',
    b'{% include "x" %}', b"'/><os>", b'+', b'=', b'====', b'A' * 300, b'\xff\xfe', '\u202e'.encode(), b'--root', b'.',
]
NAMES = [
    '', '.', '..', '../../etc/passwd', 'a/b', 'win7', 'win7-oem', 'x' * 31, 'x' * 32, '-x', '1x', 'dom0', 'Domain-0',
    'none', 'default', 'win7-dm', 'win7\n', 'win7\0', 'w\u0131n', '$(id)', 'a b', "a'b", 'a;b', '@adminvm', '--root',
    'win..7', 'a' + '\u0301', '\ud800', 'qstate',
]


def mutate(chance, data):
    data = bytearray(data)
    for _ in range(chance.randint(0, 4)):
        at = chance.randint(0, len(data))
        kind = chance.randint(0, 4)
        if kind == 0 and data:
            data[at % len(data)] = chance.randint(0, 255)
        elif kind == 1:
            data[at:at] = chance.choice(WORDS)
        elif kind == 2:
            del data[at : at + chance.randint(1, 40)]
        elif kind == 3:
            data[at:at] = data[: chance.randint(0, 200)] * chance.randint(1, 3)
        else:
            data[at:at] = bytes(chance.randint(0, 255) for _ in range(chance.randint(1, 9)))
    return bytes(data)


def table(chance, service):
    """One that is right, and then perhaps not quite; its digest and its checksum are often right all the same."""
    body = bytes(chance.randint(0, 255) for _ in range(chance.choice([0, 1, 20, 49, 338])))
    header = struct.pack('<4sIBB6s8sI4sI', chance.choice([b'SLIC', b'MSDM', b'TEST']), 36 + len(body), 1, 0, b'OEM', b'TAB', 1, b'X', 1)
    data = bytearray(header + body)
    data[9] = -sum(data) % 256
    if chance.random() < 0.5:
        data = bytearray(mutate(chance, data))
        if len(data) > 9:
            data[9] = (data[9] - sum(data)) % 256
    return b'file:%s %s' % (service.sha256(bytes(data)).encode(), base64.b64encode(bytes(data)))


def call(chance, service):
    lines = [
        chance.choice([b'host:SLIC', b'host:MSDM', table(chance, service)]) for _ in range(chance.choice([1, 1, 2, 3, 17]))
    ]
    payload = b'\n'.join(lines)
    if chance.random() < 0.6:
        payload = mutate(chance, payload)
    if chance.random() < 0.02:
        payload *= 200
    operation = chance.choice(['get', 'get', 'set', 'set', 'set', 'set', 'remove', 'Get', '', 'list', 'list'])
    if operation == 'get':
        payload = chance.choice([b'', b'none', payload])
    qube = chance.choice(NAMES) if chance.random() < 0.4 else 'win7'
    if operation == 'list' and chance.random() < 0.7:
        qube = ''
    caller = chance.choice(NAMES) if chance.random() < 0.1 else 'mgmt'
    return [operation, caller, qube], payload


def framed(answer):
    if answer[:2] == b'0\0':
        return all(32 <= c < 127 or c == 10 for c in answer[2:])
    parts = answer.split(b'\0')
    return len(parts) == 5 and parts[0] == b'2' and parts[2] == parts[4] == b'' and all(32 <= c < 127 for c in parts[3])


def is_listed(root, name):
    path = f'{root}/etc/qubes/templates/libvirt/xen/by-name/{name.decode()}.xml'
    return name == b'' or (name.isascii() and b'/' not in name and os.path.isfile(path))


def fuzz(service, root, seed, count):
    chance = random.Random(seed)
    watch = Watch(root)
    sys.addaudithook(watch)
    counts = {}
    for folder in ('var/lib', 'run'):  # dom0 has them
        os.makedirs(f'{root}/{folder}', exist_ok=True)
    for number in range(count):
        if chance.random() < 0.2:
            place = f'{root}/etc/qubes/templates/libvirt/xen/by-name/win7.xml'
            with open(place, 'a+b') as file:
                file.seek(0)
                text = mutate(chance, file.read() or b'<domain/>')
            with open(place, 'wb') as file:
                file.write(text)
            if chance.random() < 0.5:
                os.unlink(place)
        arguments, payload = call(chance, service)
        # Once in a while something that is no argument of qrexec at all.
        extra = chance.choice([[], ['--root'], ['x', 'y']]) if chance.random() < 0.05 else []
        given = [*arguments, *extra, '--root', root] if not extra else [*arguments, *extra]
        watch.on = not extra
        try:
            answer = service.answer(list(given), io.BytesIO(payload))
        finally:
            watch.on = False
        kind = answer[2:].split(b'\0')[0].decode() if answer[:1] == b'2' else 'ok'
        counts[kind] = counts.get(kind, 0) + 1
        told = answer[2:].split(b'\n') if kind == 'ok' else []
        wrong = (
            watch.outside
            or (arguments[0] == 'list' and not all(is_listed(root, name) for name in told) and ['a name of no template'])
            or (len(answer) > 2 * (4 * 16 * 1024 // 3 + 100) and ['too long'])
            or (not framed(answer) and ['not framed'])
            or (kind == 'SlicBug' and ['a bug inside'])
            or (extra and kind != 'SlicRefused' and ['extra arguments'])
        )
        if wrong:
            print(json.dumps({'number': number, 'wrong': wrong, 'args': repr(given), 'payload': repr(payload[:400]), 'answer': repr(answer)}))
            return 1
    print(json.dumps(counts))
    return 0


if __name__ == '__main__':
    module = load(sys.argv[2])
    if sys.argv[1] == 'serve':
        serve(module)
    else:
        sys.exit(fuzz(module, sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
