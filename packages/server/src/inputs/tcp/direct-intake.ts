/**
 * The intake without a journal: a frame is safe when its messages are in the pipeline. It remembers of each producer, across its
 * connections, the last frame that is safe and the exchanges under way; this is what makes a resent frame a duplicate and a cut
 * stream whole again. In: frames, connections that come and go, the time. Out: messages. Knows no sockets.
 */
import type { Hello, Message } from "@mirrorball/protocol";
import type {
  FrameIntake,
  FrameLine,
  IntakeEvents,
  IntakeFrame,
  JoinedProducer,
  ProducerName,
} from "../../component/intake.ts";
import type { InputContext } from "../../component/types.ts";
import type { Assembler } from "../../core/assemble/assembler.ts";
import { ABSENCE_MS_MAX, Presence } from "../../core/intake/presence.ts";
import { assemblerOf, keyOf } from "../../core/intake/producer-assembler.ts";

/** Producers remembered at most; beyond, those that are away are forgotten, oldest first. */
const PRODUCERS_MAX: number = 16_384;

type DirectContext = Pick<InputContext, "emit" | "dropped" | "clock">;

interface Producer extends ProducerName {
  readonly assembler: Assembler;
  readonly presence: Presence;
  safeSeq: number | undefined;
}

export class DirectIntake implements FrameIntake {
  /** Nothing is between a frame and the pipeline. */
  readonly trouble: undefined = undefined;
  readonly #byKey: Map<string, Producer> = new Map();
  readonly #context: DirectContext;
  readonly #events: IntakeEvents;

  constructor(context: DirectContext, events: IntakeEvents) {
    this.#context = context;
    this.#events = events;
  }

  join(hello: Hello, line: FrameLine): JoinedProducer {
    const producer = this.#producerOf(hello);
    const { presence, assembler } = producer;
    presence.join(line, (count) => this.#events.unaccounted(producer, count));
    // It sends a message that was under way again, from its beginning.
    assembler.resumed();
    return new DirectProducer(this.#context, producer, line);
  }

  tick(nowMs: number): void {
    const messages: Message[] = [];
    for (const { key, presence, assembler } of this.#byKey.values()) {
      if (presence.isHere) continue;
      const forget = this.#byKey.size > PRODUCERS_MAX;
      if (forget || presence.awayMs(nowMs) > ABSENCE_MS_MAX) {
        assembler.end(messages);
        presence.giveUp();
      }
      if (forget) this.#byKey.delete(key);
    }
    if (messages.length > 0) void this.#context.emit(messages);
  }

  async end(): Promise<void> {
    const messages: Message[] = [];
    for (const { assembler, presence } of this.#byKey.values()) {
      assembler.end(messages);
      presence.giveUp();
    }
    this.#byKey.clear();
    if (messages.length > 0) await this.#context.emit(messages);
  }

  #producerOf(hello: Hello): Producer {
    const key = keyOf(hello);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const { service } = hello;
    const { clock } = this.#context;
    const producer: Producer = {
      key,
      service,
      assembler: assemblerOf({ key, service }, (reason, count) =>
        this.#context.dropped(reason, count),
      ),
      presence: new Presence(clock.monotonicMs()),
      safeSeq: undefined,
    };
    this.#byKey.set(key, producer);
    return producer;
  }
}

class DirectProducer implements JoinedProducer {
  readonly safeSeq: number | undefined;
  readonly #context: DirectContext;
  readonly #producer: Producer;
  readonly #line: FrameLine;

  constructor(context: DirectContext, producer: Producer, line: FrameLine) {
    this.#context = context;
    this.#producer = producer;
    this.#line = line;
    this.safeSeq = producer.safeSeq;
  }

  take({ seq, payload, records }: IntakeFrame): Promise<void> | undefined {
    const { assembler, presence } = this.#producer;
    if (!presence.speaks(this.#line)) return undefined;
    const messages: Message[] = [];
    if (records === undefined) assembler.refused();
    else assembler.take(records, messages);
    const wait = messages.length === 0 ? undefined : this.#context.emit(messages);
    if (assembler.midMessage) this.#line.held(payload.length);
    else {
      this.#producer.safeSeq = seq;
      this.#line.safe(seq, payload.length);
    }
    return wait;
  }

  leave(missing: number | undefined): void {
    this.#producer.presence.leave(this.#line, missing, this.#context.clock.monotonicMs());
  }

  bye(missing: number | undefined): void {
    const { assembler, presence } = this.#producer;
    if (!presence.leave(this.#line, missing, this.#context.clock.monotonicMs())) return;
    const messages: Message[] = [];
    assembler.end(messages);
    presence.giveUp();
    if (messages.length > 0) void this.#context.emit(messages);
  }
}
