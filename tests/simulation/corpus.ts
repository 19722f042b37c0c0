/**
 * Seeds that once showed a mistake, with what it was. They rage in every test run, whatever else does.
 * A seed stands for another storm whenever the simulator itself changes; the sentence stays true of
 * the app, and the fixed storms beside them keep finding what they found.
 */
export const CORPUS: readonly { seed: number; was: string }[] = [
  {
    seed: 682,
    was: "Old news told by a process that had been frozen put an archive into two chains",
  },
  { seed: 338, was: "A sweep that resumed a procedure left the dead archive to the next sweep" },
  { seed: 256, was: "A list that failed came between an archive's end and its replacement" },
  { seed: 589, was: "A start in doubt was not looked for again when its second try was refused" },
  { seed: 2307, was: "A commit that failed for no reason made a process give its lease up" },
  {
    seed: 1221,
    was: "An archive that turned up was stopped before the other had recorded long enough",
  },
  { seed: 963, was: "An interim archive that outlived the next one became the main one" },
  {
    seed: 33611,
    was: "A process that died while it settled a part left the chain's gaps as they were",
  },
  {
    seed: 42203,
    was: "A process that had been frozen stopped an archive for what it had seen before",
  },
  { seed: 32528, was: "A list that failed kept a sweep from looking at what was to record" },
  { seed: 3009811, was: "A freeze while the lease was renewed made an old answer look new" },
  {
    seed: 5028882,
    was: "A process frozen while it looked for strays stopped a new chain's archive",
  },
  {
    seed: 5069839,
    was: "News of an archive's end came before its start was answered, and was lost",
  },
  {
    seed: 5090180,
    was:
      "The main archive had ended unheard while a handover failed: nobody looked until the sweep",
  },
  {
    seed: 6005673,
    was:
      "An archive that was found while its start was answered took the place of one to be stopped",
  },
  {
    seed: 31051684,
    was:
      "A start that our own retry had made fail was in no list yet: it recorded for a minute unseen",
  },
  {
    seed: 73014663,
    was: "The main archive ended unheard while a handover waited for a start: no sweep checked it",
  },
];
