/**
 * Whether Faultline can work on this machine, as one sentence on which the user can act.
 *
 * The command calls this before it loads anything else, and the binding before it loads the addon, so that an unsupported machine gives a
 * sentence and not a stack trace. It is a pure function of its argument: tests pass other machines. Questions that only the kernel can
 * answer (is userfaultfd allowed? which fault mode will be used?) are left to the addon.
 */

/** The machine to check; by default the one on which this runs. */
export interface Platform {
  /** `process.platform` */
  readonly platform: string;
  /** `process.arch` */
  readonly arch: string;
  /** `process.versions.node`, without a leading v */
  readonly node: string;
  /** Whether an addon binary was found. Leave it out to ask about the machine alone. */
  readonly addon?: boolean;
}

/** The Node release from which typed arrays over large SharedArrayBuffers, `require(esm)` and our dependencies all work. */
const OLDEST_NODE = [20, 19] as const;

/** The heap's words are little-endian and its addresses need 64 bits. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

const HERE: Platform = { platform: process.platform, arch: process.arch, node: process.versions.node };

/** What is not supported, as one sentence without a final full stop, or `undefined`. */
export function platformProblem(on: Platform = HERE): string | undefined {
  if (on.platform !== 'linux') {
    return `Faultline runs on Linux only (this is ${on.platform}): its barrier is the Linux kernel's page fault`;
  }
  if (!ARCHITECTURES.includes(on.arch)) {
    return `Faultline runs on ${ARCHITECTURES.join(' and ')} only (this is ${on.arch})`;
  }
  const [major = 0, minor = 0] = on.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    return `Faultline needs Node ${OLDEST_NODE.join('.')} or newer (this is ${on.node})`;
  }
  if (on.addon === false) {
    return (
      'the native addon is missing: run `npm run build` in a checkout, or `npm rebuild faultline` where it is installed ' +
      '(with npm 12, `npm install-scripts approve faultline` before that); it needs g++ 10 or newer, for example apt-get install g++'
    );
  }
  return undefined;
}

/** The part of Node's permission model that this file uses; undefined without `--permission`. */
interface Permission {
  has(scope: string, reference?: string): boolean;
}

function permission(): Permission | undefined {
  return (process as { permission?: Permission }).permission;
}

/** The reason why none of these files can be seen, if it is that the permission model does not allow reading them. */
export function unreadable(files: readonly string[], model: Permission | undefined = permission()): string | undefined {
  if (model === undefined || files.some((file) => model.has('fs.read', file))) return undefined;
  return "Node's permission model does not let the native addon be read: add --allow-fs-read for the folder of this package";
}

/** Why an existing addon was not loaded and what to do, as the end of a sentence. */
export function addonRefusal({ code, message }: NodeJS.ErrnoException, model: Permission | undefined = permission()): string {
  if (code === 'ERR_DLOPEN_DISABLED') {
    return model === undefined
      ? 'Node was started with --no-addons; start it without'
      : "Node's permission model forbids native addons; start Node with --allow-addons as well (and --allow-worker, for the collector's thread)";
  }
  if (code === 'ERR_ACCESS_DENIED')
    return "Node's permission model does not let it be read; add --allow-fs-read for the folder of this package";
  const [reason] = message.split('\n');
  return `${reason}. Build it for this machine: \`npm run build\` in a checkout, \`npm rebuild faultline\` where it is installed`;
}
