"""Who may do what: bearer tokens, the keys behind them, and the chat that each opens.

Reading a token goes down this list, cheap work first:

    bearer        metadata → the token's text
    compact       three segments, each in its one spelling
    tokens        header → key → signature → claims → time; remembers what it verified
    claims        what a correctly signed token says, typed and bounded
    grants        what a caller asks for against what its token opens

`keys` and `key_file` hold what signs and what verifies; `issue` mints, `describe` shows a token to people.
"""
