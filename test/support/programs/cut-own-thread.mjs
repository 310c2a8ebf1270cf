/**
 * A vm time limit cuts the start of an own thread at each `process.nextTick` that Node's constructor comes to, the last of which is behind
 * the thread's start: node cut-own-thread.mjs CODE ERRORS. Waits until it has heard so many
 * errors. Prints how often it was cut and what it heard, when nothing keeps it alive any more.
 */
import vm from 'node:vm';
import { startOwnThread } from '../../../dist/gc/own-thread.js';

const entry = new URL(`data:text/javascript,${encodeURIComponent(process.argv[2])}`);
const { nextTick } = process;
let errors = 0;
let ends = 0;
const start = () => startOwnThread(entry, 'cut', {}, { failed: () => errors++, ended: () => ends++ });

/** Answers whether it was cut, at call number `at`. */
function isCut(at) {
  let calls = 0;
  process.nextTick = (...args) => {
    if (calls++ === at) for (;;);
    nextTick(...args);
  };
  try {
    vm.runInNewContext('start()', { start }, { timeout: 50 });
    return false;
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return true;
  } finally {
    process.nextTick = nextTick;
  }
}

let cuts = 0;
while (isCut(cuts)) cuts++;
const waiting = setInterval(() => errors >= Number(process.argv[3]) && clearInterval(waiting), 10);
process.on('exit', () => console.log(JSON.stringify({ cuts, errors, ends })));
