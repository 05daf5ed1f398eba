// Serves the demo from an empty folder, runs both compiled clients against it, stops it.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const folder = join(mkdtempSync(join(tmpdir(), 'kemuning-clients-')), 'demo');
const port = await freePort();
const demo = spawn('kemuning', ['demo', '--json', '--port', String(port), '--folder', folder], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise((resolve) => demo.once('exit', resolve));
const hang = setTimeout(() => demo.kill('SIGTERM'), 180_000);

try {
  const lines = createInterface({ input: demo.stdout });
  const [welcome] = await Promise.race([
    new Promise((resolve) => lines.once('line', (line) => resolve([line]))),
    ended.then((code) => {
      throw new Error(`the demo ended with ${code}`);
    }),
  ]);
  const { accounts } = JSON.parse(welcome);
  const { login, password } = accounts.find((account) => account.role === 'hr_admin');
  for (const client of ['with-openapi-fetch', 'with-hey-api']) {
    const args = [`built/src/${client}.js`, `http://127.0.0.1:${port}`, login, password];
    execFileSync(process.execPath, args, { stdio: 'inherit', timeout: 60_000 });
  }
  console.log('2 passed, 0 failed');
} finally {
  clearTimeout(hang);
  demo.kill('SIGTERM');
  await ended;
  rmSync(join(folder, '..'), { recursive: true, force: true });
}
