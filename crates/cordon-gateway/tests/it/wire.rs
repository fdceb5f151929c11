//! The whole daemon between devices and services that really talk.

mod clients;
mod containment;
mod downtime;
mod failures;
mod frames;
mod hospital;
mod laws;
mod peers;
mod probe;
mod services;
mod stage;
mod strangers;
