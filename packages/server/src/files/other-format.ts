/** What to do with a file that is no recording, as its name says. In: a path. Out: one sentence, or undefined. */
export function otherFormat(path: string): string | undefined {
  const [, stem, format] = /^(.*)\.(har|jsonl|pcap|pcapng)(?:\.gz)?$/i.exec(path) ?? [];
  if (stem === undefined || format === undefined) return undefined;
  return format.toLowerCase().startsWith("pcap")
    ? `${path} is a capture of packets; --input-raw ${path} reads it`
    : `${path} is no recording in gor's format; mirrorball convert ${path} ${stem}.gor makes one`;
}
