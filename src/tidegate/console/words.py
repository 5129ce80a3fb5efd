"""The words of closed lists as people read them. May decide: nothing; the lists are the stages' own.

A text marked here is translated when a page is rendered. A test holds this table against the lists. What only those
meet who look after the node stands in ``console.operations_words``.
"""

from tidegate.console.marked import N_
from tidegate.console.operations_words import OPERATIONS_WORDS

__all__ = ["N_", "WORDS"]

WORDS: dict[str, dict[str, str]] = {
    **OPERATIONS_WORDS,
    "reason": {
        "exact_match": N_("The same bytes are known"),
        "look_alike": N_("It looks like something known"),
        "decided_before": N_("People decided on the same bytes before"),
        "flag": N_("Someone reported it"),
        "unchecked": N_("It could not be checked"),
        "signal_withdrawn": N_("What a decision rested on was withdrawn"),
    },
    "verdict_reason": {
        "exact_match": N_("the same bytes are known"),
        "look_alike": N_("it looks like something known"),
        "decided_before": N_("people decided on the same bytes before"),
        "protected_account": N_("a protected account is never held by a machine"),
        "closed_group": N_("a closed group is never held by a machine"),
        "unconfirmed_signal": N_("the signal is not confirmed"),
        "disputed_signal": N_("the signal is disputed"),
        "glorification_alone": N_("glorification alone is never held by a machine"),
        "hold_used_up": N_("the time a machine may hold it is used up"),
        "undecodable": N_("it could not be decoded"),
        "too_large": N_("it is too large to be decoded"),
        "timeout": N_("decoding took too long"),
        "engine_down": N_("the engine was not available"),
    },
    "head_start": {
        "widest_reach": N_("it reaches 100,000 people or more"),
        "wide_reach": N_("it reaches 10,000 people or more"),
        "exact": N_("the very bytes are known"),
        "near": N_("it looks very much like something known"),
        "far": N_("it looks somewhat like something known"),
        "trusted_reports": N_("trusted flaggers reported it"),
        "reports": N_("people reported it"),
        "protected_account": N_("a protected account: a wrong removal does most harm"),
        "signal_withdrawn": N_("someone is restricted by what no longer stands"),
    },
    "waits": {
        "mine": N_("My vote"),
        "anyone": N_("Anyone's"),
    },
    "claims": {
        "mine": N_("I am on it"),
        "free": N_("nobody is on it"),
    },
    "case_state": {
        "open": N_("open"),
        "decided": N_("decided, not yet in effect"),
        "closed": N_("closed"),
    },
    "measure": {
        "hold": N_("Held for a time"),
        "keep": N_("Leave it up"),
        "remove": N_("Remove it"),
        "suspend_account": N_("Remove it and suspend the account"),
        "terminate_account": N_("Remove it and close the account for good"),
    },
    "measure_done": {
        "hold": N_("Your content is hidden for a time, until people have looked at it."),
        "remove": N_("Your content was removed."),
        "suspend_account": N_("Your content was removed, and your account was suspended."),
        "terminate_account": N_("Your content was removed, and your account was closed."),
    },
    "ground": {
        "law": N_("Law"),
        "house_rule": N_("House rule of the platform"),
    },
    "ground_why": {
        "law": N_("The reason is that it was found to be against the law named here."),
        "house_rule": N_("The reason is that it was found to be against this rule of the platform."),
    },
    "provision": {
        "tco_2_7_a": N_(
            "Regulation (EU) 2021/784, Article 2(7)(a): incites, by glorifying or otherwise, to a terrorist offence"
        ),
        "tco_2_7_b": N_("Regulation (EU) 2021/784, Article 2(7)(b): solicits someone to commit a terrorist offence"),
        "tco_2_7_c": N_(
            "Regulation (EU) 2021/784, Article 2(7)(c): solicits someone to take part in a terrorist group"
        ),
        "tco_2_7_d": N_("Regulation (EU) 2021/784, Article 2(7)(d): instructs in making or using weapons or methods"),
        "tco_2_7_e": N_("Regulation (EU) 2021/784, Article 2(7)(e): threatens to commit a terrorist offence"),
        "house_terrorist_content": N_("House rule: terrorist content"),
        "house_perpetrator_content": N_("House rule: content of the perpetrator of an attack"),
    },
    "provision_short": {
        "tco_2_7_a": N_("Incites to a terrorist offence, by glorifying or otherwise"),
        "tco_2_7_b": N_("Solicits someone to commit a terrorist offence"),
        "tco_2_7_c": N_("Solicits someone to take part in a terrorist group"),
        "tco_2_7_d": N_("Instructs in making or using weapons or methods"),
        "tco_2_7_e": N_("Threatens to commit a terrorist offence"),
        "house_terrorist_content": N_("Other terrorist content"),
        "house_perpetrator_content": N_("Content of the perpetrator of an attack"),
    },
    "provision_source": {
        "tco_2_7_a": N_("Law: (EU) 2021/784, Article 2(7)(a)"),
        "tco_2_7_b": N_("Law: (EU) 2021/784, Article 2(7)(b)"),
        "tco_2_7_c": N_("Law: (EU) 2021/784, Article 2(7)(c)"),
        "tco_2_7_d": N_("Law: (EU) 2021/784, Article 2(7)(d)"),
        "tco_2_7_e": N_("Law: (EU) 2021/784, Article 2(7)(e)"),
        "house_terrorist_content": N_("House rule"),
        "house_perpetrator_content": N_("House rule"),
    },
    "why_two": {
        "account": N_("a measure on an account"),
        "protected": N_("a protected account"),
        "wide_reach": N_("wide reach"),
        "new_signal": N_("the first decision on this"),
        "many": N_("more than 50 at once"),
    },
    "exempt": {
        "none": N_("No: none of these"),
        "news": N_("News"),
        "research": N_("Research"),
        "education": N_("Education"),
        "art": N_("Art"),
        "countering": N_("Countering terrorism"),
        "public_debate": N_("Public debate"),
    },
    "exempt_found": {
        "none": N_(
            "People asked: is it news, research, education, art, countering terrorism or public debate? It is not."
        ),
        "news": N_("People found it to be news."),
        "research": N_("People found it to be research."),
        "education": N_("People found it to be education."),
        "art": N_("People found it to be art."),
        "countering": N_("People found it to be countering terrorism."),
        "public_debate": N_("People found it to be public debate."),
    },
    "label": {
        "incites": N_("incites to a terrorist offence"),
        "glorifies": N_("glorifies a terrorist offence"),
        "solicits_offence": N_("solicits to commit an offence"),
        "solicits_group": N_("solicits to take part in a group"),
        "instructs": N_("instructs in weapons or methods"),
        "threatens": N_("threatens with an offence"),
        "perpetrator": N_("shows an attack by its perpetrator"),
    },
    "severity": {
        "1": N_("1: lighter"),
        "2": N_("2: middle, or nobody knows yet"),
        "3": N_("3: heaviest"),
    },
    "filter": {
        "blur": N_("Grey and blurred"),
        "lines": N_("Line drawing"),
        "grey": N_("Grey and sharp"),
        "clear": N_("In colour and sharp"),
    },
    "size": {"small": N_("Small"), "large": N_("Large")},
    "found_by": {
        "exact_match": N_("A machine found that exactly the same file is known to be terrorist content."),
        "look_alike": N_("A machine found that it looks like known terrorist content."),
        "decided_before": N_("A machine found that people had decided on exactly the same file before."),
        "flag": N_("Someone reported it."),
        "unchecked": N_("It could not be checked by a machine, and people looked."),
        "signal_withdrawn": N_("People looked at it again."),
    },
    "surface": {
        "public": N_("open to everyone"),
        "large_group": N_("a large group"),
        "closed_group": N_("a closed group"),
        "private": N_("private"),
    },
    "account_class": {
        "ordinary": N_("ordinary account"),
        "press": N_("press"),
        "research": N_("research"),
        "parliament": N_("parliament"),
        "protected": N_("protected"),
    },
    "content_kind": {"picture": N_("picture"), "video": N_("video"), "text": N_("text"), "link": N_("link")},
    "look_hold": {"picture": N_("Hold to look at the picture"), "video": N_("Hold to look at pictures of the video")},
    "look_open": {"picture": N_("Open the blurred picture"), "video": N_("Open blurred pictures of the video")},
    "look_shown": {"picture": N_("The picture is shown."), "video": N_("Pictures of the video are shown.")},
    "look_hidden": {"picture": N_("The picture is hidden."), "video": N_("The pictures of the video are hidden.")},
    "look_waiting": {
        "picture": N_("The picture is on its way."),
        "video": N_("Pictures of the video are on their way."),
    },
    "look_failed": {
        "picture": N_("The picture cannot be shown."),
        "video": N_("Pictures of the video cannot be shown."),
    },
    "where": {
        "content": N_("in itself"),
        "inside": N_("inside it"),
        "caption": N_("in its caption"),
        "link": N_("in the link beside it"),
    },
    "look": {
        "as_stored": N_("the whole picture"),
        "without_border": N_("without its border"),
        "frame": N_("one frame of a moving picture"),
    },
    "standing": {
        "shown": N_("shown"),
        "deleted_by_user": N_("deleted by its user"),
        "erased": N_("erased"),
    },
    "restriction": {
        "none": N_("not restricted"),
        "held": N_("held"),
        "removed": N_("removed"),
        "account_suspended": N_("account suspended"),
        "account_terminated": N_("account closed"),
    },
    "rotation": {
        "original": N_("as it is"),
        "rotate_90": N_("turned by 90°"),
        "rotate_180": N_("turned by 180°"),
        "rotate_270": N_("turned by 270°"),
        "flip_x": N_("mirrored top to bottom"),
        "flip_y": N_("mirrored left to right"),
        "flip_plus_1": N_("mirrored along a diagonal"),
        "flip_minus_1": N_("mirrored along the other diagonal"),
    },
    "signal_standing": {
        "unconfirmed": N_("unconfirmed"),
        "confirmed": N_("confirmed"),
        "withdrawn": N_("withdrawn"),
    },
    "provenance": {"own": N_("our own people"), "import": N_("imported")},
    "decision_state": {
        "made": N_("made, not yet in effect"),
        "undone": N_("undone in time"),
        "issued": N_("in force"),
        "reversed": N_("reversed on a complaint"),
    },
    "appeal_state": {"open": N_("open"), "decided": N_("decided")},
    "appeal_show": {
        "open": N_("Open"),
        "mine": N_("For me to judge"),
        "late": N_("Late"),
        "decided": N_("Decided"),
    },
    "outcome": {
        "upheld": N_("The decision stands"),
        "use_allowed": N_("This use of it is allowed"),
        "not_terrorist": N_("It is not terrorist content"),
    },
    "outcome_found": {
        "upheld": N_("Other people looked at your complaint: the decision stands."),
        "use_allowed": N_(
            "Other people looked at your complaint: this use of it is allowed. You were right to complain."
        ),
        "not_terrorist": N_(
            "Other people looked at your complaint: it is not terrorist content. You were right to complain."
        ),
    },
    "ended": {
        "lapsed": N_("Your content is shown again: nobody decided in time."),
        "released": N_("Your content is shown again: people looked at it and let it go."),
        "reversed": N_("Your content is shown again: what was decided about it was reversed."),
        "replaced": N_("A newer notice has taken the place of this one."),
    },
    "notice_step": {
        "restricted": N_("Restricted"),
        "objected": N_("You object"),
        "judged": N_("Other people judge"),
        "stands": N_("It stands"),
        "put_right": N_("It was put right"),
        "answer": N_("You get the answer"),
        "over": N_("It is over"),
        "replaced": N_("A newer notice"),
    },
    "notice_place": {
        "done": N_("done"),
        "now": N_("now"),
        "ahead": N_("still to come"),
    },
    "action": {
        "hold": N_("hold"),
        "release": N_("release"),
        "remove": N_("remove"),
        "restore": N_("restore"),
        "suspend_account": N_("suspend the account"),
        "terminate_account": N_("close the account"),
        "reinstate_account": N_("reinstate the account"),
    },
    "cause": {
        "match": N_("a match"),
        "decision": N_("a decision"),
        "time_limit": N_("the time limit"),
        "appeal": N_("a complaint"),
    },
    "instruction_state": {
        "waiting": N_("waiting"),
        "acknowledged": N_("acknowledged"),
        "superseded": N_("superseded"),
        "undelivered": N_("undelivered"),
    },
    "role": {
        "reviewer": N_("reviewer"),
        "senior_reviewer": N_("senior reviewer"),
        "appeal_reviewer": N_("appeal reviewer"),
        "policy_lead": N_("policy lead"),
        "legal_officer": N_("legal officer"),
        "administrator": N_("administrator"),
        "auditor": N_("auditor"),
    },
    "staff_standing": {"active": N_("active"), "suspended": N_("suspended")},
    "proposal": {
        "role_grant": N_("give the role"),
        "role_revoke": N_("take the role away"),
        "staff_restore": N_("restore someone suspended"),
        "passkey_reset": N_("reset the passkeys"),
        "look_alike_holds_on": N_("let machines hold look-alikes"),
        "domain_signal": N_("have people shown every link to this host"),
    },
    "proposal_standing": {
        "open": N_("waits for a second person"),
        "approved": N_("approved"),
        "declined": N_("declined"),
    },
    "scope": {
        "content": N_("submit content"),
        "flag": N_("pass on reports"),
        "signal_read": N_("list signals, without values"),
        "instruction": N_("read and acknowledge instructions"),
        "match": N_("match without a record"),
    },
    "method": {"link": N_("one-time link"), "passkey": N_("passkey")},
    "leaf_kind": {
        "hold": N_("Holds by a machine"),
        "lapsed": N_("Holds that lapsed undecided"),
        "released": N_("Holds that people released"),
        "removal": N_("Removals"),
        "restoration": N_("Restorations"),
        "geo_limit": N_("Limits to a territory"),
        "account_action": N_("Measures on accounts"),
        "order_received": N_("Orders received"),
        "order_answered": N_("Orders answered"),
        "order_contested": N_("Orders contested"),
        "appeal_opened": N_("Complaints received"),
        "appeal_decided": N_("Complaints decided"),
        "evidence_opened": N_("Sealed items opened"),
        "signal_added": N_("Signals confirmed"),
        "signal_withdrawn": N_("Signals withdrawn"),
        "policy_changed": N_("Changes of policy"),
        "fuse_tripped": N_("Fuses that went out"),
        "tally": N_("Answers given, by day"),
        "correction": N_("Corrections"),
    },
    "ledger_trouble": {
        "ahead": N_(
            "The public files show more entries than this database knows, as after restoring an older backup. "
            "Nothing is signed, for that would be a second log under one name. Restore a newer backup; if there is "
            "none, move the export folder away, begin a new log under another name (TIDEGATE_LEDGER_ORIGIN), and say "
            "so publicly."
        ),
        "forked": N_(
            "The public files show another log of the same length. Nothing is signed. Find out which database wrote "
            "them and restore that one; if there is none, move the export folder away, begin a new log under another "
            "name (TIDEGATE_LEDGER_ORIGIN), and say so publicly."
        ),
        "other_key": N_(
            "The public files were signed with another key than this node's. Nothing is signed. Restore the ledger "
            "key that belongs to these files, or export a new log to an empty folder."
        ),
        "unreadable": N_(
            "The folder of the public files cannot be read. Nothing is signed. Check the disk and the permissions."
        ),
    },
    "tallied": {
        "clear": N_("Clear"),
        "review": N_("For people to look at"),
        "hold": N_("Held"),
        "unchecked": N_("Could not be checked"),
        "match_without_record": N_("Matches answered outside due process"),
    },
    "leaf_is": {
        "hold": N_("hold by a machine"),
        "lapsed": N_("hold lapsed undecided"),
        "released": N_("hold released by people"),
        "removal": N_("removal"),
        "restoration": N_("restoration"),
        "geo_limit": N_("limit to a territory"),
        "account_action": N_("measure on an account"),
        "order_received": N_("order received"),
        "order_answered": N_("order answered"),
        "order_contested": N_("order contested"),
        "appeal_opened": N_("complaint received"),
        "appeal_decided": N_("complaint decided"),
        "evidence_opened": N_("sealed item opened"),
        "signal_added": N_("signal confirmed"),
        "signal_withdrawn": N_("signal withdrawn"),
        "policy_changed": N_("change of policy"),
        "fuse_tripped": N_("fuse that went out"),
        "tally": N_("answers of a day"),
        "correction": N_("correction"),
    },
    "leaf_content": {
        "picture": N_("picture"),
        "video": N_("video"),
        "text": N_("text"),
        "link": N_("link"),
        "account": N_("account"),
        "none": N_("none"),
    },
    "leaf_ground": {
        "none": N_("none"),
        "law": N_("a law"),
        "house_rule": N_("a house rule of the platform"),
    },
    "leaf_decided_by": {
        "none": N_("nobody"),
        "machine": N_("a machine, for a time"),
        "one_person": N_("one person"),
        "two_people": N_("two people"),
        "other_people": N_("other people, on a complaint"),
    },
    "strand": {
        "held": N_("held by a machine"),
        "removed": N_("removed by people"),
        "limited": N_("limited to a territory"),
        "account_restricted": N_("accounts suspended or closed"),
        "released": N_("holds people released"),
        "lapsed": N_("holds that lapsed"),
        "restored": N_("removals undone"),
        "account_reinstated": N_("accounts reinstated"),
        "complaint_upheld": N_("the decision stands"),
        "complaint_reversed": N_("the decision was reversed"),
    },
    "rate": {
        "complaints_reversed": N_("Complaints that were right"),
        "holds_released": N_("Holds that people released"),
        "holds_lapsed": N_("Holds that nobody decided in time"),
    },
    "rate_of": {
        "complaints_reversed": N_("Of the complaints that other people decided, this share reversed the decision."),
        "holds_released": N_("Of the machine's holds, people looked at this share and let it go."),
        "holds_lapsed": N_("Of the machine's holds, this share came to its time limit undecided and was shown again."),
    },
    "rate_not": {
        "complaints_reversed": N_(
            "It is not how often decisions are wrong. Only some people complain, and decisions nobody complained about "
            "may be right more often, or less."
        ),
        "holds_released": N_(
            "It is not how often the machine is wrong. Holds that lapsed were never judged, and holds of the last day "
            "may not be decided yet."
        ),
        "holds_lapsed": N_(
            "It says nothing about whether those holds were right. It says how often people came too late."
        ),
    },
    "leaf_measure": {
        "none": N_("none"),
        "hold": N_("held"),
        "remove": N_("removed"),
        "geo_limit": N_("limited to a territory"),
        "suspend_account": N_("account suspended"),
        "terminate_account": N_("account closed"),
        "restore": N_("restored"),
        "reinstate_account": N_("account reinstated"),
        "uphold": N_("upheld"),
        "reverse": N_("reversed"),
    },
    "leaf_basis": {
        "none": N_("none"),
        "exact_match": N_("the same bytes are known"),
        "look_alike": N_("it looks like something known"),
        "decided_before": N_("people decided on the same bytes before"),
        "flag": N_("a report"),
        "trusted_flag": N_("a trusted flagger's report"),
        "referral": N_("a referral"),
        "order": N_("an order"),
        "own_finding": N_("our own finding"),
        "appeal": N_("a complaint"),
        "withdrawn_signal": N_("a withdrawn signal"),
        "time_limit": N_("the time limit"),
    },
}
