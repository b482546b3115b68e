/**
 * What a source of packets (a capture file, a live engine) hands on. Sans-IO.
 */

/** Link types (DLT) by the number they have in files. */
export interface PacketSink {
  /**
   * One packet: `chunk[start..end)` was captured of `originalBytes` on the wire. The bytes are valid only during the
   * call. Must not throw.
   */
  packet(
    linkType: number,
    chunk: Uint8Array,
    start: number,
    end: number,
    originalBytes: number,
    seconds: number,
    nanoseconds: number,
  ): void;
}
