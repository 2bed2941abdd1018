#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# model.py - random operations through agentsh against a plain directory
#
#	model.py AGENTSH MODEL_OPS WORKSPACE TWIN COMMANDS OPERATIONS [SEED]
#
# Two sessions at once, each in a subtree of its own, run COMMANDS commands of
# OPERATIONS random operations. Each command's results, and the tree after it,
# must equal those of the same operations in the plain directory TWIN. Then the
# commands are undone, newest first, and the tree must be as photographed
# before each: every earlier version comes back.
import json, os, re, stat, subprocess, sys, threading, time

agentsh, ops, ws, twin = sys.argv[1:5]
commands, per = int(sys.argv[5]), int(sys.argv[6])
seed = int(sys.argv[7]) if len(sys.argv) > 7 else 1
failed = []


def photo(top, times):
    names, inodes, out = [], {}, []
    for here, dirs, files in os.walk(top):
        names += [os.path.join(here, n) for n in dirs + files]
    for path in sorted(names):
        st = os.lstat(path)
        line = [os.path.relpath(path, top), stat.filemode(st.st_mode)]
        if not stat.S_ISDIR(st.st_mode):
            # not st_nlink: the quarantine may hold a link
            line.append(inodes.setdefault(st.st_ino, len(inodes)))
        if stat.S_ISREG(st.st_mode):
            with open(path, 'rb') as f:
                line.append(hash(f.read()))
            line += sorted((n, os.getxattr(path, n))
                           for n in os.listxattr(path))
        if stat.S_ISLNK(st.st_mode):
            line.append(os.readlink(path))
        if times and not stat.S_ISDIR(st.st_mode):
            line.append(st.st_mtime_ns)
        out.append(tuple(line))
    return out


def results(text):
    """Without a mount, what is kept has a link in the quarantine: the number of
    links of an open file that was deleted (operation 20) is not compared."""
    if os.environ.get('MODEL_MOUNT'):
        return text
    return re.sub(r'^(\d+ 20 .*) \d+ ok$', r'\1 - ok', text, flags=re.M)


def run(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)


def differ(what, a, b, log=''):
    first = [x for x in a if x not in set(b)][:4], [x for x in b if x not in set(a)][:4]
    names = {x[0] for part in first for x in part if isinstance(x, tuple)}
    log = [l for l in log.split('\n') if ' ok' in l and names & set(l.split())]
    failed.append(f'{what}: {first} {log}')


def session(name, done):
    top, plain = os.path.join(ws, name), os.path.join(twin, name)
    os.makedirs(top)
    os.makedirs(plain)
    for k in range(commands):
        before = photo(top, True)
        s = str(seed + k * 2 + ord(name[-1]))
        expected = run(ops, plain, s, str(per))
        r = run(agentsh, 'exec', '--output', 'json', '--root', ws, name, '--',
                ops, name, s, str(per))
        try:
            answer = json.loads(r.stdout)
        except ValueError:
            return failed.append(f'{name} {k}: {r.returncode} {r.stdout[:300]} {r.stderr[:300]}')
        got = answer['result'].get('stdout', '')
        want, got = results(expected.stdout), results(got)
        if got != want:
            return differ(f'{name} {k} results', want.split('\n'), got.split('\n'))
        if photo(top, False) != photo(plain, False):
            return differ(f'{name} {k} tree', photo(plain, False), photo(top, False))
        done.append((answer['command_id'], before, got))


def undo(name, done):
    top, n = os.path.join(ws, name), 0
    for command, before, what in reversed(done):
        r = subprocess.run([agentsh, 'undo', '--command', command], cwd=ws, text=True,
                           stdin=subprocess.DEVNULL, capture_output=True)
        now = photo(top, True)
        nothing = 'nothing on record' in r.stderr + r.stdout
        if now != before or 'conflict' in r.stdout or (r.returncode and not nothing):
            return differ(f'{name} undo {command} ({n} undone): {r.stdout[-300:]}{r.stderr[-300:]}',
                          before, now, what)
        n += 1


def both(function, lists):
    threads = [threading.Thread(target=function, args=(n, lists[n])) for n in lists]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


lists = {'m1': [], 'm2': []}
start = time.time()
both(session, lists)
middle = time.time()
if not failed:
    both(undo, lists)
total = sum(len(v) for v in lists.values())
print(f'seed {seed}: {total} commands, {total * per} operations in {middle - start:.0f} s, '
      f'undone in {time.time() - middle:.0f} s')
for f in failed:
    print('FAIL', f[:3000])
sys.exit(1 if failed else 0)
