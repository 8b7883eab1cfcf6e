"""Debtor self-service repayment portal: the map.

Every folder is a feature; folders import downwards only. From the top of the stack to the bottom:

app, commands   what is started: the web application and the `flask` commands; `bare` is without pages, for files
package         everything about one debt as one file that anybody can check: evidence for a dispute or a court
banking         money at the lender's own account: files of its bank, matched by reference, each entry once
letterhead      how a lender's letters look: signatory, logo, second language, with a sample first
batches         letters by the thousand: counted, made by workers, paused, gone on with, each letter once
desk            the lender's desk: what it allows, as sentences and forms; drafts that a second person approves
helpdesk        what people asked for, answered by the lender's people
files           a lender's file brought in by hand: seen before it counts, confirmed, taken back
staff           the lender's people: how they sign in, what each may do
jobs, sweep     what each queued job runs; the night: what time brings for plans
workers         several processes that do what is queued, under one
only_time       plans to which nothing but time happened, a page at once
you             how one is reached, signs in and stays signed in; one's own data
timeline        everything that happened to a person, in plain words, with who did it
home            what is owed in all, the one next thing, one debt, what pays all of it
letters         PDFs that say what the books say
changes         what somebody changes of a running plan alone, shown before it is made, taken back for a day
autopay         payments of a plan taken from a saved card: agreed to, noticed, charged once, stopped
payments        money in and out through Stripe, each effect posted once, and held against Stripe every night
plans, points   negotiation and life of a plan; points for kept instalments
care            what people ask for beside paying: requests, clocks, holds, free advice
contact         when and where somebody may be written to, what they chose, stop links
debts           what is owed and why; a lender's file becomes debts
people          debtors, how they sign in, what they may see
post            messages: written, through the gate, out by e-mail or SMS
lenders         the lender: brand, jurisdiction, currency, zone, languages
ledger          every change of a balance, as transfers; never edited
evidence        who did what, for whom, why: one line an act
queue           work put off in the caller's own transaction
web             headers, forgery tokens, languages, formats, fields
bulk, planner   many rows at once; what the databases know of our indexes
db, clock       the database and the only reading of the time
offers          what a lender's limits answer to what somebody asks for, why, and what would work
limits          what a lender allows, as cards of rules, and how they are read
schedules       when each payment of an arrangement is due, how much it is, what it costs
affordability   what somebody can afford: budgets, three models, standards from a table
interest, amounts, money, config   pure values, and settings

Inside a feature: views → forms → acts → models → rules. Files in `offers/`, `limits/`, `schedules/`, `affordability/`,
and those named `rules`, `two_people`, `redrawing`, `states`, `looking`, `allocation`, `sharing`, `reach`, `payoff`,
`next_thing`, `declines`, `rails`, `earning`, `truth`, `gate`, `kinds`, `clocks` are rules: plain Python over values,
without Flask, database, clock or network.
"""
