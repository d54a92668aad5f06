"""Who may do what: bearer tokens, the keys behind them, and the chat that each opens.

Reading a token goes down this list, cheap work first:

    bearer        metadata → the token's text
    compact       three segments, each in its one spelling
    tokens        header → issuer → key → signature → claims → time; remembers what it verified
    issuers       whose token it says it is, and what is believed of that issuer
    claims        what a correctly signed token says, typed and bounded
    registry      what is left of that, with what is stored of the client and the chat, and what was revoked
    grants        what a caller asks for against what its token opens

`revocation` is what `registry` looks up, `administration` changes what is stored, `last_use` notes who came,
`inventory` tells what became of issued tokens.

`keys` are what signs and what verifies: `key_ring` is the life of our own, `key_file` one that somebody names,
`jwk_sets` reads those of other issuers. `issue` mints, `describe` shows a token to people.
"""
