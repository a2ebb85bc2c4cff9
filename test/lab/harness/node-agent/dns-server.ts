/**
 * `node dns-server.ts ADDRESS...`: answers every question with NXDOMAIN. Names that there are stand in the lab's file of
 * hosts, which is asked first. A process of its own, since the sandbox's guard lets that of the tests answer nobody.
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1
 */
import { createSocket } from 'node:dgram';

for (const address of process.argv.slice(2)) {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address: asker }) => {
    const answer = Buffer.from(question);
    // A response, recursion available and as desired, NXDOMAIN; the question is repeated, and there are no records.
    answer.writeUInt16BE(0x8083 | (question.readUInt16BE(2) & 0x0100), 2);
    answer.fill(0, 6, 12);
    socket.send(answer.subarray(0, endOfQuestion(answer)), port, asker);
  });
  socket.bind(53, address, () => process.stdout.write(`answers at ${address}\n`));
}

function endOfQuestion(message: Buffer): number {
  let at = 12;
  while ((message[at] ?? 0) !== 0) at += (message[at] ?? 0) + 1;
  return at + 5;
}
