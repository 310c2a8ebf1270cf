/**
 * `faultline run` with the addon under AddressSanitizer and UndefinedBehaviorSanitizer: a whole program on a real graph, in one fault
 * mode after the other.
 *
 *   npm run run:asan [-- OPTIONS of faultline run]        default: --seconds 10 --mutators 2
 *
 * Node itself is not instrumented, so the sanitizer's library is preloaded. Leaks are not checked: V8 does not free its memory at exit.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODES = ['sigbus', 'thread', 'sigsegv', 'stw', 'copy-sigbus', 'copy-thread'];
const words = process.argv.length > 2 ? process.argv.slice(2) : ['--seconds', '10', '--mutators', '2'];

function must(command, args, options = {}) {
  const { status, signal } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`${[command, ...args].join(' ')} ended with ${signal ?? status}`);
  process.exit(1);
}

function library(name) {
  const compiler = (process.env['CXX'] ?? 'c++').split(' ');
  return spawnSync(compiler[0], [...compiler.slice(1), `-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
}

must(process.execPath, ['native/build.mjs', '--sanitize=address,undefined']);
const env = {
  ...process.env,
  FAULTLINE_ADDON: join(ROOT, 'build/address-undefined/faultline.node'),
  LD_PRELOAD: [library('libasan.so'), library('libubsan.so'), library('libstdc++.so')].join(':'),
  // The heap's handlers for SIGBUS and SIGSEGV come first; a fault that is not theirs goes on to the sanitizer's.
  ASAN_OPTIONS: 'detect_leaks=0:allow_user_segv_handler=1:handle_sigbus=1:halt_on_error=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
};
for (const mode of MODES) must(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'run', '--fault', mode, ...words], { env });
console.log(`no finding in ${MODES.length} runs`);
