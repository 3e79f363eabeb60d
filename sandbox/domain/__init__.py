"""What a report card is and which rules it keeps: standard library only, no input or output.

`report_card` holds the record, `assessment` the circular's rules, `consistency` what must agree
inside one record, `identifiers` and `divisions` the codes, `lifecycle` the states and who may
move them, `rejections` the words for everything that can be wrong.
"""
