/** What a field holds. `plain`: not a pointer in Go, so that its zero is sent and means nothing. */
type Type =
  | 'text'
  | 'int'
  | 'plain int'
  | 'boolean'
  | 'plain boolean'
  | 'list of text'
  | 'map of text'
  | 'map of bytes'
  | 'map of quantities'
  /** The server sets it, whatever a client says. */
  | 'left out'
  | Message
  | readonly [Message];

/** Fields of a message by their number. */
export interface Message {
  readonly [number: number]: readonly [name: string, type: Type];
}

/*
 * Transcribed from the generated.proto files of k8s.io/api and k8s.io/apimachinery: what kubectl's typed commands fill.
 */
const meta: Message = {
  1: ['name', 'text'],
  2: ['generateName', 'text'],
  3: ['namespace', 'text'],
  4: ['selfLink', 'left out'],
  5: ['uid', 'text'],
  6: ['resourceVersion', 'text'],
  7: ['generation', 'left out'],
  8: ['creationTimestamp', 'left out'],
  11: ['labels', 'map of text'],
  12: ['annotations', 'map of text'],
  14: ['finalizers', 'list of text'],
};
const reference: Message = {
  1: ['kind', 'text'],
  2: ['namespace', 'text'],
  3: ['name', 'text'],
  4: ['uid', 'text'],
  5: ['apiVersion', 'text'],
  6: ['resourceVersion', 'text'],
  7: ['fieldPath', 'text'],
};
const named: Message = { 1: ['name', 'text'] };
const container: Message = {
  1: ['name', 'text'],
  2: ['image', 'text'],
  3: ['command', 'list of text'],
  4: ['args', 'list of text'],
  5: ['workingDir', 'text'],
  6: [
    'ports',
    [
      {
        1: ['name', 'text'],
        2: ['hostPort', 'plain int'],
        3: ['containerPort', 'int'],
        4: ['protocol', 'text'],
        5: ['hostIP', 'text'],
      },
    ],
  ],
  8: ['resources', { 1: ['limits', 'map of quantities'], 2: ['requests', 'map of quantities'] }],
  13: ['terminationMessagePath', 'text'],
  14: ['imagePullPolicy', 'text'],
  16: ['stdin', 'plain boolean'],
  17: ['stdinOnce', 'plain boolean'],
  18: ['tty', 'plain boolean'],
  20: ['terminationMessagePolicy', 'text'],
};
const podSpec: Message = {
  2: ['containers', [container]],
  3: ['restartPolicy', 'text'],
  6: ['dnsPolicy', 'text'],
  8: ['serviceAccountName', 'text'],
  9: ['serviceAccount', 'text'],
  10: ['nodeName', 'text'],
  11: ['hostNetwork', 'plain boolean'],
  12: ['hostPID', 'plain boolean'],
  13: ['hostIPC', 'plain boolean'],
  14: ['securityContext', {}],
  16: ['hostname', 'text'],
  17: ['subdomain', 'text'],
  19: ['schedulerName', 'text'],
  24: ['priorityClassName', 'text'],
};
const template: Message = { 1: ['metadata', meta], 2: ['spec', podSpec] };
const selector: Message = { 1: ['matchLabels', 'map of text'] };
const attributes: Message = {
  1: ['namespace', 'text'],
  2: ['verb', 'text'],
  3: ['group', 'text'],
  4: ['version', 'text'],
  5: ['resource', 'text'],
  6: ['subresource', 'text'],
  7: ['name', 'text'],
};

/** By apiVersion and kind. */
export const MESSAGES: Readonly<Record<string, Message | undefined>> = {
  'v1 Namespace': {
    1: ['metadata', meta],
    2: ['spec', { 1: ['finalizers', 'list of text'] }],
    3: ['status', 'left out'],
  },
  'v1 ConfigMap': {
    1: ['metadata', meta],
    2: ['data', 'map of text'],
    3: ['binaryData', 'map of bytes'],
    4: ['immutable', 'boolean'],
  },
  'v1 Secret': {
    1: ['metadata', meta],
    2: ['data', 'map of bytes'],
    3: ['type', 'text'],
    4: ['stringData', 'map of text'],
    5: ['immutable', 'boolean'],
  },
  'v1 ServiceAccount': {
    1: ['metadata', meta],
    2: ['secrets', [reference]],
    3: ['imagePullSecrets', [named]],
    4: ['automountServiceAccountToken', 'boolean'],
  },
  'apps/v1 Deployment': {
    1: ['metadata', meta],
    2: [
      'spec',
      {
        1: ['replicas', 'int'],
        2: ['selector', selector],
        3: ['template', template],
        4: ['strategy', { 1: ['type', 'text'] }],
        5: ['minReadySeconds', 'plain int'],
        6: ['revisionHistoryLimit', 'int'],
        7: ['paused', 'plain boolean'],
        9: ['progressDeadlineSeconds', 'int'],
      },
    ],
    3: ['status', 'left out'],
  },
  'batch/v1 Job': {
    1: ['metadata', meta],
    2: [
      'spec',
      {
        1: ['parallelism', 'int'],
        2: ['completions', 'int'],
        3: ['activeDeadlineSeconds', 'int'],
        4: ['selector', selector],
        5: ['manualSelector', 'boolean'],
        6: ['template', template],
        7: ['backoffLimit', 'int'],
        8: ['ttlSecondsAfterFinished', 'int'],
        10: ['suspend', 'boolean'],
      },
    ],
    3: ['status', 'left out'],
  },
  'authentication.k8s.io/v1 TokenRequest': {
    1: ['metadata', meta],
    2: [
      'spec',
      {
        1: ['audiences', 'list of text'],
        3: [
          'boundObjectRef',
          { 1: ['kind', 'text'], 2: ['apiVersion', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'] },
        ],
        4: ['expirationSeconds', 'int'],
      },
    ],
    3: ['status', 'left out'],
  },
  'authentication.k8s.io/v1 SelfSubjectReview': { 1: ['metadata', meta], 2: ['status', 'left out'] },
  'authorization.k8s.io/v1 SelfSubjectAccessReview': {
    1: ['metadata', meta],
    2: [
      'spec',
      {
        1: ['resourceAttributes', attributes],
        2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }],
      },
    ],
    3: ['status', 'left out'],
  },
};
