//! Tokens and certificate authorities are replaced on disk, with no restart of
//! the member.

use crate::identity::Identity;
use crate::pond::{Pond, Reign};

#[tokio::test]
async fn a_rotated_token_is_read_anew() {
    let pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.set_token("second");
    pond.renewed_again().await;
    reign.was_never_lost();
}

#[tokio::test]
async fn a_rotated_authority_is_read_anew() {
    let mut pond = Pond::new();
    let goose = pond.goose().await;
    let reign = Reign::of(&goose);
    pond.server.stop();
    pond.identity = Identity::new();
    pond.trust_the_server();
    pond.server.start_again(&pond.identity);
    pond.renewed_again().await;
    reign.was_never_lost();
}
