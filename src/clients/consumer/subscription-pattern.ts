/**
 * A regular expression in RE2 syntax for the topics to subscribe to, with the consumer protocol only (KIP-848,
 * org.apache.kafka.clients.consumer.SubscriptionPattern). The group's coordinator looks for topics whose whole name it
 * matches; the client does not look at it.
 */
export class SubscriptionPattern {
  readonly pattern: string

  constructor(pattern: string) {
    this.pattern = pattern
  }

  toString(): string {
    return this.pattern
  }
}
