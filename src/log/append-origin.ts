/**
 * Who appends to a log as its leader (Kafka's AppendOrigin): decides how much is checked. `client` is checked in full;
 * `coordinator` writes control records and compacted state itself; `replication` is copied from a leader that checked.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'replication' | 'raft-leader'
