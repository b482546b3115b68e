/** What a source of packets (a capture file, a live engine) hands on, one call a packet. Sans-IO. */
export interface PacketSink {
  /**
   * One packet: `chunk[start..end)` was captured of `originalBytes` on the wire; `linkType` is the number (DLT) that
   * capture files use. The bytes are valid only during the call. Must not throw.
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
