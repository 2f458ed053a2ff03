import { reactive, ref } from 'vue'
import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { ApiProblem } from '@/api/problem'

export interface FieldProblem { field: string, problem: string }

/** The server's findings by field, from its validation error; other refusals have none. */
export function fieldProblems(error: ApiProblem): FieldProblem[] {
  const fields = error.values.fields
  if (!Array.isArray(fields)) return []
  return fields.flatMap(each => typeof each === 'object' && each !== null && 'field' in each && 'problem' in each ? [{ field: String(each.field), problem: String(each.problem) }] : [])
}

/** A list of the configuration with one form beside it: load, open, save, and the server's words when it refuses. */
export function useResource<Row extends object, Form extends object>(options: {
  key: string
  list: () => Promise<Row[]>
  blank: () => Form
  edit: (row: Row) => Form
  save: (form: Form, row: Row | null) => Promise<unknown>
}) {
  const client = useQueryClient()
  const rows = useQuery({ queryKey: ['admin', options.key], queryFn: options.list })
  const open = ref(false)
  const chosen = ref<Row | null>(null)
  const form = reactive(options.blank()) as Form
  const busy = ref(false)
  const problem = ref<ApiProblem | null>(null)

  function show(row: Row | null): void {
    chosen.value = row as never
    Object.assign(form, row ? options.edit(row) : options.blank())
    problem.value = null
    open.value = true
  }
  async function save(): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = null
    try {
      await options.save(form, chosen.value as Row | null)
      open.value = false
      await client.invalidateQueries({ queryKey: ['admin'] })
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : new ApiProblem(0, 'no_server', '', '')
    } finally {
      busy.value = false
    }
  }
  function error(field: string): string | undefined {
    return problem.value ? fieldProblems(problem.value).find(each => each.field === field || each.field.endsWith(`.${field}`))?.problem : undefined
  }
  return { rows, open, chosen, form, busy, problem, show, save, error }
}
