// Adds userfaultfd to a seccomp profile in the format of Docker and Kubernetes:
//
//     node examples/deployment/seccomp-profile.mjs < default.json > faultline.json
import { text } from 'node:stream/consumers';

const profile = JSON.parse(await text(process.stdin));
const allows = ({ names, action }) => action === 'SCMP_ACT_ALLOW' && names.includes('userfaultfd');
if (!profile.syscalls.some((rule) => allows(rule) && rule.includes === undefined)) {
  profile.syscalls.push({ names: ['userfaultfd'], action: 'SCMP_ACT_ALLOW' });
}
console.log(JSON.stringify(profile, null, 2));
