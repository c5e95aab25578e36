/** What is said to agents about a ticket, in the languages of the templates; whole sentences stand in those. */
import type { ClockMetric } from '../sla/account.ts'
import type { Priority, Status } from '../tables.ts'
import type { NewsKind, Topic } from './kinds.ts'

export type NotifyPhrases = {
  /** The display names of the two addresses of a ticket (COMMANDS E5.1), and of the digest's. */
  answerTo: (number: number) => string
  noteTo: (number: number) => string
  commandsTo: string
  /** One line a news; `who` is null for what no person did. */
  news: Record<NewsKind, (who: string | null) => string>
  /** In place of a note whose words no mail carries. */
  privateNote: (who: string | null) => string
  more: (count: number) => string
  customer: string
  project: string
  status: string
  priority: string
  assignee: string
  nobody: string
  attachments: string
  earlier: string
  internal: string
  /** Ends a text that was cut. */
  cut: string
  /** At the beginning of a line, and within one. */
  metrics: Record<ClockMetric, string>
  metricNames: Record<ClockMetric, string>
  statuses: Record<Status, string>
  priorities: Record<Priority, string>
  /** Of a due date that has passed. */
  late: string
  topics: Record<Topic, string>
}

/** The phrases of a template locale; English where it has none. */
export const notifyPhrases = (locale: string): NotifyPhrases =>
  PHRASES[locale.toLowerCase().split(/[-_]/)[0] as keyof typeof PHRASES] ?? PHRASES.en

/** `words(who)`, or what is said where nobody did it. */
const by =
  (words: (who: string) => string, nobody: string) =>
  (who: string | null): string =>
    who === null ? nobody : words(who)

const always = (words: string) => (): string => words

const PHRASES = {
  en: {
    answerTo: (number) => `Answer to customer #${number}`,
    noteTo: (number) => `Internal note #${number}`,
    commandsTo: 'Commands to the desk',
    news: {
      new: by((who) => `New ticket of ${who}`, 'New ticket'),
      team: by((who) => `Given to your team by ${who}`, 'Given to your team'),
      reply: by((who) => `${who} wrote`, 'The customer wrote'),
      note: by((who) => `${who} left an internal note`, 'Internal note'),
      assigned: by((who) => `Assigned to you by ${who}`, 'Assigned to you'),
      answered: by((who) => `${who} answered the customer`, 'The customer was answered'),
      undelivered: always('An answer came back: it could not be delivered'),
      woke: always('It was to come back now'),
    },
    privateNote: by(
      (who) => `${who} left you a private note: it stands in the ticket`,
      'A private note for you stands in the ticket',
    ),
    more: (count) => `and ${count} more, see the ticket`,
    customer: 'Customer',
    project: 'Project',
    status: 'Status',
    priority: 'Priority',
    assignee: 'Assigned to',
    nobody: 'nobody',
    attachments: 'Attachments',
    earlier: 'Earlier',
    internal: 'internal note',
    cut: '[…] The rest is in the ticket.',
    metrics: {
      first_response: 'First answer',
      next_response: 'Next answer',
      resolution: 'Solution',
      ola: "Team's part",
    },
    metricNames: {
      first_response: 'first answer',
      next_response: 'next answer',
      resolution: 'solution',
      ola: "team's part",
    },
    statuses: {
      new: 'new',
      open: 'open',
      waiting_customer: 'waiting for the customer',
      on_hold: 'on hold',
      resolved: 'resolved',
      closed: 'closed',
    },
    priorities: { low: 'low', normal: 'normal', high: 'high', urgent: 'urgent' },
    late: 'overdue',
    topics: {
      assigned: 'assigned to you',
      new: 'new',
      reply: 'the customer wrote',
      note: 'note',
      answered: 'answered',
      warning: 'due soon or late',
    },
  },
  de: {
    answerTo: (number) => `Antwort an Kunden #${number}`,
    noteTo: (number) => `Interne Notiz #${number}`,
    commandsTo: 'Befehle an den Desk',
    news: {
      new: by((who) => `Neues Ticket von ${who}`, 'Neues Ticket'),
      team: by((who) => `Ihrem Team gegeben von ${who}`, 'Ihrem Team gegeben'),
      reply: by((who) => `${who} hat geschrieben`, 'Der Kunde hat geschrieben'),
      note: by((who) => `${who} hat eine interne Notiz hinterlassen`, 'Interne Notiz'),
      assigned: by((who) => `Ihnen zugewiesen von ${who}`, 'Ihnen zugewiesen'),
      answered: by((who) => `${who} hat dem Kunden geantwortet`, 'Dem Kunden wurde geantwortet'),
      undelivered: always('Eine Antwort kam zurück: Sie war nicht zustellbar'),
      woke: always('Wiedervorlage'),
    },
    privateNote: by(
      (who) => `${who} hat Ihnen eine private Notiz hinterlassen: Sie steht im Ticket`,
      'Eine private Notiz für Sie steht im Ticket',
    ),
    more: (count) => `und ${count} weitere, siehe Ticket`,
    customer: 'Kunde',
    project: 'Projekt',
    status: 'Status',
    priority: 'Priorität',
    assignee: 'Zugewiesen an',
    nobody: 'niemanden',
    attachments: 'Anhänge',
    earlier: 'Davor',
    internal: 'interne Notiz',
    cut: '[…] Der Rest steht im Ticket.',
    metrics: {
      first_response: 'Erste Antwort',
      next_response: 'Nächste Antwort',
      resolution: 'Lösung',
      ola: 'Teil des Teams',
    },
    metricNames: {
      first_response: 'erste Antwort',
      next_response: 'nächste Antwort',
      resolution: 'Lösung',
      ola: 'Teil des Teams',
    },
    statuses: {
      new: 'neu',
      open: 'offen',
      waiting_customer: 'wartet auf den Kunden',
      on_hold: 'angehalten',
      resolved: 'gelöst',
      closed: 'geschlossen',
    },
    priorities: { low: 'niedrig', normal: 'normal', high: 'hoch', urgent: 'dringend' },
    late: 'überfällig',
    topics: {
      assigned: 'Ihnen zugewiesen',
      new: 'neu',
      reply: 'der Kunde hat geschrieben',
      note: 'Notiz',
      answered: 'beantwortet',
      warning: 'bald fällig oder überfällig',
    },
  },
  fr: {
    answerTo: (number) => `Réponse au client #${number}`,
    noteTo: (number) => `Note interne #${number}`,
    commandsTo: 'Commandes au service',
    news: {
      new: by((who) => `Nouveau ticket de ${who}`, 'Nouveau ticket'),
      team: by((who) => `Confié à votre équipe par ${who}`, 'Confié à votre équipe'),
      reply: by((who) => `${who} a écrit`, 'Le client a écrit'),
      note: by((who) => `${who} a laissé une note interne`, 'Note interne'),
      assigned: by((who) => `Attribué à vous par ${who}`, 'Attribué à vous'),
      answered: by((who) => `${who} a répondu au client`, 'Le client a reçu une réponse'),
      undelivered: always('Une réponse est revenue : elle n’a pas pu être remise'),
      woke: always('Rappel demandé pour maintenant'),
    },
    privateNote: by(
      (who) => `${who} vous a laissé une note privée : elle est dans le ticket`,
      'Une note privée pour vous est dans le ticket',
    ),
    more: (count) => `et ${count} de plus, voir le ticket`,
    customer: 'Client',
    project: 'Projet',
    status: 'État',
    priority: 'Priorité',
    assignee: 'Attribué à',
    nobody: 'personne',
    attachments: 'Pièces jointes',
    earlier: 'Avant',
    internal: 'note interne',
    cut: '[…] La suite est dans le ticket.',
    metrics: {
      first_response: 'Première réponse',
      next_response: 'Réponse suivante',
      resolution: 'Solution',
      ola: 'Part de l’équipe',
    },
    metricNames: {
      first_response: 'première réponse',
      next_response: 'réponse suivante',
      resolution: 'solution',
      ola: 'part de l’équipe',
    },
    statuses: {
      new: 'nouveau',
      open: 'ouvert',
      waiting_customer: 'en attente du client',
      on_hold: 'suspendu',
      resolved: 'résolu',
      closed: 'fermé',
    },
    priorities: { low: 'basse', normal: 'normale', high: 'haute', urgent: 'urgente' },
    late: 'en retard',
    topics: {
      assigned: 'attribué à vous',
      new: 'nouveau',
      reply: 'le client a écrit',
      note: 'note',
      answered: 'répondu',
      warning: 'échéance proche ou passée',
    },
  },
  es: {
    answerTo: (number) => `Respuesta al cliente #${number}`,
    noteTo: (number) => `Nota interna #${number}`,
    commandsTo: 'Órdenes al servicio',
    news: {
      new: by((who) => `Nuevo ticket de ${who}`, 'Nuevo ticket'),
      team: by((who) => `Entregado a su equipo por ${who}`, 'Entregado a su equipo'),
      reply: by((who) => `${who} ha escrito`, 'El cliente ha escrito'),
      note: by((who) => `${who} dejó una nota interna`, 'Nota interna'),
      assigned: by((who) => `Asignado a usted por ${who}`, 'Asignado a usted'),
      answered: by((who) => `${who} respondió al cliente`, 'Se respondió al cliente'),
      undelivered: always('Una respuesta volvió: no se pudo entregar'),
      woke: always('Tenía que volver ahora'),
    },
    privateNote: by(
      (who) => `${who} le dejó una nota privada: está en el ticket`,
      'Hay una nota privada para usted en el ticket',
    ),
    more: (count) => `y ${count} más, vea el ticket`,
    customer: 'Cliente',
    project: 'Proyecto',
    status: 'Estado',
    priority: 'Prioridad',
    assignee: 'Asignado a',
    nobody: 'nadie',
    attachments: 'Adjuntos',
    earlier: 'Antes',
    internal: 'nota interna',
    cut: '[…] El resto está en el ticket.',
    metrics: {
      first_response: 'Primera respuesta',
      next_response: 'Siguiente respuesta',
      resolution: 'Solución',
      ola: 'Parte del equipo',
    },
    metricNames: {
      first_response: 'primera respuesta',
      next_response: 'siguiente respuesta',
      resolution: 'solución',
      ola: 'parte del equipo',
    },
    statuses: {
      new: 'nuevo',
      open: 'abierto',
      waiting_customer: 'a la espera del cliente',
      on_hold: 'en pausa',
      resolved: 'resuelto',
      closed: 'cerrado',
    },
    priorities: { low: 'baja', normal: 'normal', high: 'alta', urgent: 'urgente' },
    late: 'vencido',
    topics: {
      assigned: 'asignado a usted',
      new: 'nuevo',
      reply: 'el cliente ha escrito',
      note: 'nota',
      answered: 'respondido',
      warning: 'vence pronto o venció',
    },
  },
  pl: {
    answerTo: (number) => `Odpowiedź dla klienta #${number}`,
    noteTo: (number) => `Notatka wewnętrzna #${number}`,
    commandsTo: 'Polecenia dla zespołu',
    news: {
      new: by((who) => `Nowe zgłoszenie: ${who}`, 'Nowe zgłoszenie'),
      team: by((who) => `Przekazane Twojemu zespołowi: ${who}`, 'Przekazane Twojemu zespołowi'),
      reply: by((who) => `${who}: nowa wiadomość`, 'Nowa wiadomość klienta'),
      note: by((who) => `${who}: notatka wewnętrzna`, 'Notatka wewnętrzna'),
      assigned: by((who) => `Przydzielone Tobie: ${who}`, 'Przydzielone Tobie'),
      answered: by((who) => `${who}: odpowiedź dla klienta`, 'Klient dostał odpowiedź'),
      undelivered: always('Odpowiedź wróciła: nie udało się jej doręczyć'),
      woke: always('Miało wrócić teraz'),
    },
    privateNote: by(
      (who) => `${who}: notatka prywatna dla Ciebie, jest w zgłoszeniu`,
      'Notatka prywatna dla Ciebie jest w zgłoszeniu',
    ),
    more: (count) => `i jeszcze ${count}, patrz zgłoszenie`,
    customer: 'Klient',
    project: 'Projekt',
    status: 'Stan',
    priority: 'Priorytet',
    assignee: 'Przydzielone',
    nobody: 'nikomu',
    attachments: 'Załączniki',
    earlier: 'Wcześniej',
    internal: 'notatka wewnętrzna',
    cut: '[…] Reszta jest w zgłoszeniu.',
    metrics: {
      first_response: 'Pierwsza odpowiedź',
      next_response: 'Następna odpowiedź',
      resolution: 'Rozwiązanie',
      ola: 'Część zespołu',
    },
    metricNames: {
      first_response: 'pierwsza odpowiedź',
      next_response: 'następna odpowiedź',
      resolution: 'rozwiązanie',
      ola: 'część zespołu',
    },
    statuses: {
      new: 'nowe',
      open: 'otwarte',
      waiting_customer: 'czeka na klienta',
      on_hold: 'wstrzymane',
      resolved: 'rozwiązane',
      closed: 'zamknięte',
    },
    priorities: { low: 'niski', normal: 'normalny', high: 'wysoki', urgent: 'pilny' },
    late: 'po terminie',
    topics: {
      assigned: 'przydzielone Tobie',
      new: 'nowe',
      reply: 'klient napisał',
      note: 'notatka',
      answered: 'odpowiedziano',
      warning: 'termin bliski lub minął',
    },
  },
  uk: {
    answerTo: (number) => `Відповідь клієнту #${number}`,
    noteTo: (number) => `Внутрішня нотатка #${number}`,
    commandsTo: 'Команди для служби',
    news: {
      new: by((who) => `Нове звернення: ${who}`, 'Нове звернення'),
      team: by((who) => `Передано вашій команді: ${who}`, 'Передано вашій команді'),
      reply: by((who) => `${who}: новий лист`, 'Новий лист клієнта'),
      note: by((who) => `${who}: внутрішня нотатка`, 'Внутрішня нотатка'),
      assigned: by((who) => `Призначено вам: ${who}`, 'Призначено вам'),
      answered: by((who) => `${who}: відповідь клієнту`, 'Клієнту відповіли'),
      undelivered: always('Відповідь повернулася: її не вдалося доставити'),
      woke: always('Мало повернутися зараз'),
    },
    privateNote: by(
      (who) => `${who}: приватна нотатка для вас, вона у зверненні`,
      'Приватна нотатка для вас є у зверненні',
    ),
    more: (count) => `і ще ${count}, див. звернення`,
    customer: 'Клієнт',
    project: 'Проєкт',
    status: 'Стан',
    priority: 'Пріоритет',
    assignee: 'Призначено',
    nobody: 'нікому',
    attachments: 'Вкладення',
    earlier: 'Раніше',
    internal: 'внутрішня нотатка',
    cut: '[…] Решта у зверненні.',
    metrics: {
      first_response: 'Перша відповідь',
      next_response: 'Наступна відповідь',
      resolution: 'Вирішення',
      ola: 'Частина команди',
    },
    metricNames: {
      first_response: 'перша відповідь',
      next_response: 'наступна відповідь',
      resolution: 'вирішення',
      ola: 'частина команди',
    },
    statuses: {
      new: 'нове',
      open: 'відкрите',
      waiting_customer: 'чекає на клієнта',
      on_hold: 'призупинене',
      resolved: 'вирішене',
      closed: 'закрите',
    },
    priorities: { low: 'низький', normal: 'звичайний', high: 'високий', urgent: 'терміновий' },
    late: 'прострочено',
    topics: {
      assigned: 'призначено вам',
      new: 'нове',
      reply: 'клієнт написав',
      note: 'нотатка',
      answered: 'відповіли',
      warning: 'строк близько або минув',
    },
  },
  ru: {
    answerTo: (number) => `Ответ клиенту #${number}`,
    noteTo: (number) => `Внутренняя заметка #${number}`,
    commandsTo: 'Команды для службы',
    news: {
      new: by((who) => `Новая заявка: ${who}`, 'Новая заявка'),
      team: by((who) => `Передано вашей команде: ${who}`, 'Передано вашей команде'),
      reply: by((who) => `${who}: новое письмо`, 'Новое письмо клиента'),
      note: by((who) => `${who}: внутренняя заметка`, 'Внутренняя заметка'),
      assigned: by((who) => `Назначено вам: ${who}`, 'Назначено вам'),
      answered: by((who) => `${who}: ответ клиенту`, 'Клиенту ответили'),
      undelivered: always('Ответ вернулся: его не удалось доставить'),
      woke: always('Должно было вернуться сейчас'),
    },
    privateNote: by((who) => `${who}: личная заметка для вас, она в заявке`, 'Личная заметка для вас есть в заявке'),
    more: (count) => `и ещё ${count}, см. заявку`,
    customer: 'Клиент',
    project: 'Проект',
    status: 'Статус',
    priority: 'Приоритет',
    assignee: 'Назначено',
    nobody: 'никому',
    attachments: 'Вложения',
    earlier: 'Раньше',
    internal: 'внутренняя заметка',
    cut: '[…] Остальное в заявке.',
    metrics: {
      first_response: 'Первый ответ',
      next_response: 'Следующий ответ',
      resolution: 'Решение',
      ola: 'Часть команды',
    },
    metricNames: {
      first_response: 'первый ответ',
      next_response: 'следующий ответ',
      resolution: 'решение',
      ola: 'часть команды',
    },
    statuses: {
      new: 'новая',
      open: 'открыта',
      waiting_customer: 'ждёт клиента',
      on_hold: 'приостановлена',
      resolved: 'решена',
      closed: 'закрыта',
    },
    priorities: { low: 'низкий', normal: 'обычный', high: 'высокий', urgent: 'срочный' },
    late: 'просрочено',
    topics: {
      assigned: 'назначено вам',
      new: 'новая',
      reply: 'клиент написал',
      note: 'заметка',
      answered: 'ответили',
      warning: 'срок близок или прошёл',
    },
  },
} satisfies Record<string, NotifyPhrases>
