import { TAG } from '../ownership.ts';
import { command, named, unlessFound } from '../shell.ts';
import type { Ref } from '../step.ts';
import { defineStep } from '../step.ts';
import { ABSENT, staying } from './staying.ts';

/** A resource group that something of ours will be made in. One that exists is left as it is, its region too. */
export const group = (options: { name: string; location: string | Ref; mark: string; workloads: readonly string[] }) =>
  defineStep({
    id: `group/${options.name}`,
    kind: 'resource group',
    subject: options.name,
    title: `resource group ${options.name} exists`,
    side: 'Azure',
    workloads: options.workloads,
    needs: (typeof options.location === 'string' ? {} : { location: options.location }) as Readonly<
      Record<string, Ref>
    >,
    yields: ['location'],
    observe: ({ azure }) => azure.groups.get(options.name),
    removal: (seen) =>
      seen ? staying('it may hold what others need', `az group delete --name ${options.name}`) : ABSENT,
    judge: (seen) => ({
      state: seen ? 'as wanted' : 'absent',
      owner: seen?.tags?.[TAG] ? 'ours' : 'theirs',
      facts: seen?.location ? { location: seen.location } : {},
      differences: [],
    }),
    converge: ({ azure }, _seen, known) =>
      azure.groups.create(
        options.name,
        typeof options.location === 'string' ? options.location : (known.location ?? ''),
        { [TAG]: options.mark },
      ),
    recipe: (_seen, { location }) => {
      const region = typeof options.location === 'string' ? options.location : (location ?? '');
      const tags = `${TAG}=${options.mark}`;
      return [
        unlessFound(command('az group list', { query: named(options.name), output: 'tsv' }), [
          command('az group create', { name: options.name, location: region, tags, output: 'none' }),
        ]),
      ];
    },
    asks: { location: command('az group show', { name: options.name, query: 'location', output: 'tsv' }) },
    byHand: ({ location }) =>
      `az group create --name ${options.name} --location ${typeof options.location === 'string' ? options.location : location}`,
  });
