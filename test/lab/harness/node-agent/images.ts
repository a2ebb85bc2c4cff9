import { basename } from 'node:path';
import type { Container, Pod } from './model.ts';

/** There are no images in the lab: its own programs stand for those that are known, and this Node for those of Node. */
export type Image = Program | StandIn;

/** A program in a root of its own, that has this machine's system below `/usr` and nothing else of it. */
export interface Program {
  /** What runs where the container has no command of its own; paths as inside the root. */
  readonly entrypoint?: readonly string[];
  /** Files and folders of this machine by where they are inside, read-only. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Under which its memory is kept; nothing is measured without. */
  readonly called?: string;
  /** User that the image is made for; root where it is not said. */
  readonly user?: number;
}

/** What is no program here, and done by the agent itself. */
export interface StandIn {
  /** Begins with it, and goes on until the answer is called. */
  begin(place: StandInPlace): Promise<() => void | Promise<void>>;
}

export interface StandInPlace {
  readonly pod: Pod;
  readonly container: Container;
  /** Where a path inside the container lies on this machine: one of its volumes. */
  path(inside: string): string;
  log(line: string): void;
}

/** An image by what its name matches. */
export interface KnownImage {
  readonly matches: RegExp;
  readonly is: Image;
}

/** A program of the lab as an image: it lies where its own image has it, and trusts the lab's authority. */
export function programImage(matches: RegExp, file: string, ca: string, more: Partial<Program> = {}): KnownImage {
  const at = more.entrypoint?.[0] ?? `/image/${basename(file)}`;
  return {
    matches,
    is: {
      entrypoint: [at],
      called: basename(file),
      ...more,
      files: { [at]: file, '/image/ca.pem': ca, ...more.files },
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', SSL_CERT_FILE: '/image/ca.pem', ...more.env },
    },
  };
}

/** Any image of Node: the Node that runs the lab stands for it. */
export const nodeImage = (ca: string): KnownImage => ({
  matches: /(?:^|\/)node(?:js)?(?:[:@/]|$)/,
  is: {
    files: { '/image/bin/node': process.execPath, '/image/ca.pem': ca },
    env: {
      PATH: '/image/bin:/usr/local/bin:/usr/bin:/bin',
      NODE_EXTRA_CA_CERTS: '/image/ca.pem',
      SSL_CERT_FILE: '/image/ca.pem',
    },
  },
});

/** Whether it is run as a process. */
export const isProgram = (image: Image): image is Program => 'files' in image;
