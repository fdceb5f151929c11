#!/usr/bin/env python3
"""Encodes PDUs with pynetdicom; writes one file NAME.hex for each conversation, one PDU a line.

A line is `> ` or `< ` (from the requestor, from the acceptor) and the PDU in hexadecimal.
Run it in this folder: python make_vectors.py
"""
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as ItemSequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, build_role
from pynetdicom.dimse_messages import *  # noqa: F403
from pynetdicom.dimse_primitives import *  # noqa: F403
from pynetdicom.dsutils import encode
from pynetdicom.pdu import (A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP,
                            A_RELEASE_RQ, P_DATA_TF)
from pynetdicom.pdu_primitives import (A_ABORT, A_ASSOCIATE, A_RELEASE, AsynchronousOperationsWindowNegotiation,
                                       ImplementationClassUIDNotification, ImplementationVersionNameNotification,
                                       MaximumLengthNotification, SCP_SCU_RoleSelectionNegotiation,
                                       SOPClassExtendedNegotiation, UserIdentityNegotiation)

VERIFICATION = "1.2.840.10008.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
WORKLIST = "1.2.840.10008.5.1.4.31"
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_GET = "1.2.840.10008.5.1.4.1.2.2.3"
MPPS = "1.2.840.10008.3.1.2.3.3"
COMMITMENT = "1.2.840.10008.1.20.1"
BOTH = [ImplicitVRLittleEndian, ExplicitVRLittleEndian]
INSTANCE = "1.2.826.0.1.3680043.8.498.1"


def user(extra=()):
    length = MaximumLengthNotification()
    length.maximum_length_received = 16382
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = "1.2.826.0.1.3680043.9.3811.3.0.4"
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = "PYNETDICOM_304"
    return [length, implementation, version, *extra]


def request(contexts, extra=(), calling="CT1", called="PACS"):
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    primitive.presentation_context_definition_list = contexts
    primitive.user_information = user(extra)
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return ">", pdu.encode()


def context(number, sop_class, transfers=BOTH):
    made = build_context(sop_class, transfers)
    made.context_id = number
    return made


def accept(contexts, extra=(), refused=(), calling="CT1", called="PACS"):
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    results = []
    for made in contexts:
        made = context(made.context_id, made.abstract_syntax, [made.transfer_syntax[0]])
        made.result = 3 if made.context_id in refused else 0
        results.append(made)
    primitive.presentation_context_definition_results_list = results
    primitive.user_information = user(extra)
    primitive.result, primitive.result_source = 0, 1
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(primitive)
    return "<", pdu.encode()


def data(way, number, message, primitive, size=16382):
    message.primitive_to_message(primitive)
    made = []
    for p_data in message.encode_msg(number, size):
        pdu = P_DATA_TF()
        pdu.from_primitive(p_data)
        made.append((way, pdu.encode()))
    return made


def dataset(explicit=False, **keys):
    made = Dataset()
    for name, value in keys.items():
        if name == "PixelData":
            made.add_new(0x7FE00010, "OW", value)
        else:
            setattr(made, name, value)
    return BytesIO(encode(made, not explicit, True))


def fill(primitive, **values):
    for name, value in values.items():
        setattr(primitive, name, value)
    return primitive


def release():
    request, reply = A_RELEASE_RQ(), A_RELEASE_RP()
    return [(">", request.encode()), ("<", reply.encode())]


def exchange(number, ask, answer, rq, rsp, rsp_to=None, way=">", size=16382):
    other = "<" if way == ">" else ">"
    made = data(way, number, ask, rq, size)
    return made + data(other, number, answer, rsp, size)


def echo():
    contexts = [context(1, VERIFICATION)]
    yield request(contexts)
    yield accept(contexts)
    yield from exchange(1, C_ECHO_RQ(), C_ECHO_RSP(),
                        fill(C_ECHO(), MessageID=1, AffectedSOPClassUID=VERIFICATION),
                        fill(C_ECHO(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=VERIFICATION, Status=0))
    yield from release()


def store(size=16382):
    contexts = [context(1, VERIFICATION), context(3, CT)]
    yield request(contexts)
    yield accept(contexts, refused=(1,))
    rq = fill(C_STORE(), MessageID=7, AffectedSOPClassUID=CT, AffectedSOPInstanceUID=INSTANCE, Priority=2,
              DataSet=dataset(SOPClassUID=CT, SOPInstanceUID=INSTANCE, PixelData=bytes(600)))
    rsp = fill(C_STORE(), MessageIDBeingRespondedTo=7, AffectedSOPClassUID=CT, AffectedSOPInstanceUID=INSTANCE,
               Status=0)
    yield from exchange(3, C_STORE_RQ(), C_STORE_RSP(), rq, rsp, size=size)
    yield from release()


def find(number, sop_class, explicit, keys):
    contexts = [context(number, sop_class, [ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian])]
    yield request(contexts)
    yield accept(contexts)
    rq = fill(C_FIND(), MessageID=2, AffectedSOPClassUID=sop_class, Priority=2, Identifier=dataset(explicit, **keys))
    pending = fill(C_FIND(), MessageIDBeingRespondedTo=2, AffectedSOPClassUID=sop_class, Status=0xFF00,
                   Identifier=dataset(explicit, PatientName="DOE^JANE", PatientID="0"))
    yield from exchange(number, C_FIND_RQ(), C_FIND_RSP(), rq, pending)
    cancel = fill(C_CANCEL(), MessageIDBeingRespondedTo=2)
    yield from data(">", number, C_CANCEL_RQ(), cancel)
    last = fill(C_FIND(), MessageIDBeingRespondedTo=2, AffectedSOPClassUID=sop_class, Status=0xFE00)
    yield from data("<", number, C_FIND_RSP(), last)
    yield from release()


def scheduled(date):
    step = Dataset()
    step.Modality = "CT"
    step.ScheduledStationAETitle = "CT1"
    step.ScheduledProcedureStepStartDate = date
    return ItemSequence([step])


def move():
    contexts = [context(5, STUDY_MOVE)]
    yield request(contexts)
    yield accept(contexts)
    rq = fill(C_MOVE(), MessageID=9, AffectedSOPClassUID=STUDY_MOVE, Priority=0, MoveDestination="CT1",
              Identifier=dataset(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3"))
    pending = fill(C_MOVE(), MessageIDBeingRespondedTo=9, AffectedSOPClassUID=STUDY_MOVE, Status=0xFF00,
                   NumberOfRemainingSuboperations=1, NumberOfCompletedSuboperations=0,
                   NumberOfFailedSuboperations=0, NumberOfWarningSuboperations=0)
    last = fill(C_MOVE(), MessageIDBeingRespondedTo=9, AffectedSOPClassUID=STUDY_MOVE, Status=0,
                NumberOfCompletedSuboperations=1, NumberOfFailedSuboperations=0, NumberOfWarningSuboperations=0)
    yield from exchange(5, C_MOVE_RQ(), C_MOVE_RSP(), rq, pending)
    yield from data("<", 5, C_MOVE_RSP(), last)
    yield from release()


def get():
    role = build_role(CT, scu_role=False, scp_role=True)
    contexts = [context(1, STUDY_GET), context(3, CT)]
    yield request(contexts, [role])
    yield accept(contexts, [role])
    rq = fill(C_GET(), MessageID=1, AffectedSOPClassUID=STUDY_GET, Priority=2,
              Identifier=dataset(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3"))
    yield from data(">", 1, C_GET_RQ(), rq)
    rq = fill(C_STORE(), MessageID=1, AffectedSOPClassUID=CT, AffectedSOPInstanceUID=INSTANCE, Priority=2,
              DataSet=dataset(SOPClassUID=CT, SOPInstanceUID=INSTANCE))
    rsp = fill(C_STORE(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=CT, AffectedSOPInstanceUID=INSTANCE,
               Status=0)
    yield from exchange(3, C_STORE_RQ(), C_STORE_RSP(), rq, rsp, way="<")
    last = fill(C_GET(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=STUDY_GET, Status=0,
                NumberOfCompletedSuboperations=1, NumberOfFailedSuboperations=0, NumberOfWarningSuboperations=0)
    yield from data("<", 1, C_GET_RSP(), last)
    yield from release()


def mpps():
    contexts = [context(1, MPPS)]
    yield request(contexts)
    yield accept(contexts)
    rq = fill(N_CREATE(), MessageID=1, AffectedSOPClassUID=MPPS, AffectedSOPInstanceUID=INSTANCE,
              AttributeList=dataset(PerformedProcedureStepStatus="IN PROGRESS"))
    rsp = fill(N_CREATE(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=MPPS, AffectedSOPInstanceUID=INSTANCE,
               Status=0)
    yield from exchange(1, N_CREATE_RQ(), N_CREATE_RSP(), rq, rsp)
    rq = fill(N_SET(), MessageID=2, RequestedSOPClassUID=MPPS, RequestedSOPInstanceUID=INSTANCE,
              ModificationList=dataset(PerformedProcedureStepStatus="COMPLETED"))
    rsp = fill(N_SET(), MessageIDBeingRespondedTo=2, AffectedSOPClassUID=MPPS, AffectedSOPInstanceUID=INSTANCE,
               Status=0)
    yield from exchange(1, N_SET_RQ(), N_SET_RSP(), rq, rsp)
    yield from release()


def commitment():
    contexts = [context(1, COMMITMENT)]
    yield request(contexts)
    yield accept(contexts)
    rq = fill(N_ACTION(), MessageID=1, RequestedSOPClassUID=COMMITMENT,
              RequestedSOPInstanceUID="1.2.840.10008.1.20.1.1", ActionTypeID=1,
              ActionInformation=dataset(TransactionUID="1.2.3"))
    rsp = fill(N_ACTION(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=COMMITMENT,
               AffectedSOPInstanceUID="1.2.840.10008.1.20.1.1", Status=0)
    yield from exchange(1, N_ACTION_RQ(), N_ACTION_RSP(), rq, rsp)
    yield from release()


def commitment_result():
    """The archive opens the association and reports: it provides the service."""
    role = build_role(COMMITMENT, scu_role=False, scp_role=True)
    contexts = [context(1, COMMITMENT)]
    yield request(contexts, [role], calling="PACS", called="CT1")
    yield accept(contexts, [role], calling="PACS", called="CT1")
    rq = fill(N_EVENT_REPORT(), MessageID=1, AffectedSOPClassUID=COMMITMENT,
              AffectedSOPInstanceUID="1.2.840.10008.1.20.1.1", EventTypeID=1,
              EventInformation=dataset(TransactionUID="1.2.3"))
    rsp = fill(N_EVENT_REPORT(), MessageIDBeingRespondedTo=1, AffectedSOPClassUID=COMMITMENT,
               AffectedSOPInstanceUID="1.2.840.10008.1.20.1.1", EventTypeID=1, Status=0)
    yield from exchange(1, N_EVENT_REPORT_RQ(), N_EVENT_REPORT_RSP(), rq, rsp)
    yield from release()


def normalized():
    contexts = [context(1, "1.2.840.10008.5.1.1.1")]
    yield request(contexts)
    yield accept(contexts)
    rq = fill(N_GET(), MessageID=1, RequestedSOPClassUID="1.2.840.10008.5.1.1.16",
              RequestedSOPInstanceUID="1.2.840.10008.5.1.1.17", AttributeIdentifierList=[(0x2110, 0x0010)])
    rsp = fill(N_GET(), MessageIDBeingRespondedTo=1, Status=0x0110)
    yield from exchange(1, N_GET_RQ(), N_GET_RSP(), rq, rsp)
    rq = fill(N_DELETE(), MessageID=2, RequestedSOPClassUID="1.2.840.10008.5.1.1.1", RequestedSOPInstanceUID=INSTANCE)
    rsp = fill(N_DELETE(), MessageIDBeingRespondedTo=2, Status=0)
    yield from exchange(1, N_DELETE_RQ(), N_DELETE_RSP(), rq, rsp)
    yield ">", abort()


def abort():
    primitive = A_ABORT()
    primitive.abort_source = 0
    pdu = A_ABORT_RQ()
    pdu.from_primitive(primitive)
    return pdu.encode()


def rejected():
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 2, b"radiographer"
    identity.secondary_field, identity.positive_response_requested = b"a passcode", True
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked, window.maximum_number_operations_performed = 5, 1
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = STUDY_FIND, b"\x01\x01"
    yield request([context(1, STUDY_FIND)], [identity, window, extended])
    primitive = A_ASSOCIATE()
    primitive.result, primitive.result_source, primitive.diagnostic = 1, 1, 3
    pdu = A_ASSOCIATE_RJ()
    pdu.from_primitive(primitive)
    yield "<", pdu.encode()


def contexts_ten():
    """Ten contexts with the four default transfer syntaxes of pynetdicom."""
    four = [*BOTH, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"]
    yield request([context(2 * i + 1, f"1.2.840.10008.5.1.4.1.1.{i + 1}", four) for i in range(10)])


def contexts_all():
    contexts = [context(2 * i + 1, f"1.2.840.10008.5.1.4.1.1.{i + 1}") for i in range(128)]
    yield request(contexts)
    yield accept(contexts, refused=range(3, 256, 4))


VECTORS = {
    "echo": echo(),
    "store": store(),
    "store_in_pieces": store(70),
    "worklist": find(1, WORKLIST, False, {"PatientName": "", "PatientID": "",
                                          "ScheduledProcedureStepSequence": scheduled("20260101")}),
    "worklist_explicit": find(1, WORKLIST, True, {"PatientName": "", "PatientID": "",
                                                  "ScheduledProcedureStepSequence": scheduled("20260101")}),
    "worklist_everybody": find(1, WORKLIST, True, {"PatientName": "*", "PatientID": "",
                                                   "ScheduledProcedureStepSequence": scheduled("")}),
    "study_by_patient": find(3, STUDY_FIND, False, {"QueryRetrieveLevel": "STUDY", "PatientName": "DOE^J*",
                                                    "PatientID": "", "StudyDate": ""}),
    "study_everybody": find(3, STUDY_FIND, False, {"QueryRetrieveLevel": "STUDY", "PatientName": "*",
                                                   "PatientID": "", "StudyDate": "", "StudyInstanceUID": ""}),
    "move": move(),
    "get": get(),
    "mpps": mpps(),
    "commitment": commitment(),
    "commitment_result": commitment_result(),
    "normalized": normalized(),
    "rejected": rejected(),
    "contexts_ten": contexts_ten(),
    "contexts_all": contexts_all(),
}

for name, pdus in VECTORS.items():
    with open(f"{name}.hex", "w", encoding="ascii") as file:
        for way, pdu in pdus:
            assert int.from_bytes(pdu[2:6], "big") + 6 == len(pdu), name
            file.write(f"{way} {pdu.hex()}\n")
