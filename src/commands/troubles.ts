import { type Complaint, Complaints } from '../complaint.ts';
import { EXIT, type ExitCode, exitOf } from '../exit.ts';
import { redact } from '../secret.ts';
import { Problem } from '../trouble.ts';

/** What a person is told of an error, and how the program ends. */
export interface Told {
  readonly complaints: readonly Complaint[];
  readonly exitCode: number;
}

/**
 * Any error as complaints. What nobody foresaw is said calmly and without its message's data; `verbose` adds the trace.
 */
export async function told(
  error: unknown,
  options: { readonly interrupted: boolean; readonly verbose: boolean },
): Promise<Told> {
  if (error instanceof Complaints) return error;
  if (options.interrupted) {
    return {
      complaints: [{ message: 'Interrupted. It is safe to run the same again.' }],
      exitCode: EXIT.interrupted,
    };
  }
  if (error instanceof Problem) return { complaints: [await complaintOf(error)], exitCode: exitOfProblem(error) };
  const name = error instanceof Error ? error.name : typeof error;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    complaints: [
      {
        message: `Something went wrong inside aks-secrets (${name}).`,
        ...(options.verbose
          ? { cause: redact(trace) }
          : { fix: { say: 'It is safe to run the same again; -v shows the trace.' } }),
      },
    ],
    exitCode: EXIT.failed,
  };
}

const exitOfProblem = (problem: Problem): ExitCode => exitOf([{ outcome: 'failed', problem }]);

/** A problem in the words of the catalogue, where it knows it. */
export async function complaintOf(problem: Problem): Promise<Complaint> {
  const { message, resource, said } = problem;
  const known = await explainer();
  const row = known(problem);
  return {
    message,
    resource,
    ...row,
    ...((said?.code ?? said?.requestId) !== undefined && {
      azure: {
        ...(said?.code !== undefined && { code: said.code }),
        ...(said?.requestId !== undefined && { requestId: said.requestId }),
      },
    }),
  };
}

/** The catalogue, as reports ask it: id, cause and fix of a problem, with the names that the service said. */
export async function explainer(): Promise<
  (problem: Problem) => Pick<Complaint, 'failure' | 'cause' | 'fix'> | undefined
> {
  const { explain, filled, namesAround } = await import('../failures/index.ts');
  return (problem) => {
    const row = explain(problem);
    if (!row) return undefined;
    const said = problem.said?.message ?? '';
    const names = namesAround(said, { from: 0, to: said.length });
    const { say, run } = row.fix;
    const fix = { say: filled(say, names), ...(run !== undefined && { run: filled(run, names) }) };
    return { failure: row.id, cause: row.cause, fix };
  };
}
