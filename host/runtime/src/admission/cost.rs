//! Estimates what compiling one function costs, by the properties that drive the cost in measurements.
//!
//! The estimate is in units of about a microsecond on one core. It is right to a factor of two for the functions of compilers,
//! and to a factor of three for functions that are made to be slow.

use wasmparser::Operator;

/// The estimate for one function, which grows with each of its operators.
#[derive(Debug)]
pub(crate) struct CompileCost {
    locals: u64,
    /// The number of operators. Operators that become much code count several times.
    operators: u64,
    /// The height of the operand stack, summed over all operators: how long values live.
    values: u64,
    /// The number of places where the control flow splits.
    forks: u64,
    /// The nesting depth, summed over these places.
    nesting: u64,
    /// For each open block, the number of branches to its label.
    labels: Vec<u64>,
    /// For each branch, the number of earlier branches to the same label, summed.
    meetings: u64,
}

impl CompileCost {
    /// The estimate for a function with that number of locals, including its parameters.
    pub(crate) fn new(locals: u32) -> Self {
        Self { locals: u64::from(locals), operators: 0, values: 0, forks: 0, nesting: 0, labels: vec![0], meetings: 0 }
    }

    /// Adds an operator that leaves that number of values on the stack.
    pub(crate) fn add(&mut self, operator: &Operator<'_>, values: u32) {
        self.operators += weight(operator);
        self.values += u64::from(values);
        match operator {
            Operator::Block { .. } => self.labels.push(0),
            Operator::Loop { .. } | Operator::If { .. } => {
                self.labels.push(0);
                self.fork();
            }
            Operator::Else => self.fork(),
            Operator::End => drop(self.labels.pop()),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => self.branch(*relative_depth),
            Operator::BrTable { targets } => {
                targets.targets().flatten().chain([targets.default()]).for_each(|target| self.branch(target));
            }
            _ => {}
        }
    }

    fn fork(&mut self) {
        self.forks += 1;
        self.nesting += self.labels.len() as u64;
    }

    fn branch(&mut self, depth: u32) {
        self.fork();
        let label = self.labels.len().checked_sub(1 + depth as usize);
        if let Some(before) = label.and_then(|label| self.labels.get_mut(label)) {
            self.meetings += *before;
            *before += 1;
        }
    }

    /// The estimated cost. Each summand except the first is one way in which functions take long to compile.
    pub(crate) fn cost(&self) -> u64 {
        200_u64
            .saturating_add(self.operators.saturating_mul(3))
            .saturating_add(self.operators.saturating_mul(self.operators) / 60_000)
            .saturating_add(self.forks.saturating_mul(20))
            .saturating_add(self.values / 20)
            .saturating_add(self.nesting / 8)
            .saturating_add(self.meetings / 10)
            .saturating_add(self.locals.saturating_mul(self.forks).saturating_mul(7) / 10)
    }
}

/// The number of operators that one operator counts as. Operators with a weight call, loop or branch in machine code.
fn weight(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::MemoryGrow { .. }
        | Operator::MemoryFill { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryInit { .. }
        | Operator::TableGrow { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::TableInit { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. }
        | Operator::ElemDrop { .. }
        | Operator::DataDrop { .. }
        | Operator::RefFunc { .. } => 20,
        Operator::I32TruncF32S
        | Operator::I32TruncF32U
        | Operator::I32TruncF64S
        | Operator::I32TruncF64U
        | Operator::I64TruncF32S
        | Operator::I64TruncF32U
        | Operator::I64TruncF64S
        | Operator::I64TruncF64U
        | Operator::F32ConvertI64U
        | Operator::F64ConvertI64U => 10,
        Operator::Call { .. }
        | Operator::CallIndirect { .. }
        | Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. } => 5,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(locals: u32, operators: &[Operator<'_>], times: usize) -> u64 {
        let mut estimate = CompileCost::new(locals);
        for operator in std::iter::repeat_n(operators, times).flatten() {
            estimate.add(operator, 0);
        }
        estimate.cost()
    }

    #[test]
    fn an_operator_costs_a_few_units_and_a_function_two_hundred() {
        assert_eq!(estimate(0, &[Operator::Nop], 10), 200 + 10 * 3);
    }

    #[test]
    fn branches_to_one_place_cost_the_square_of_their_number() {
        // 10,000 branches, one level deep, meet 0 + 1 + ... + 9,999 others, a tenth of a unit each.
        let branches = estimate(0, &[Operator::BrIf { relative_depth: 0 }], 10_000);
        assert_eq!(branches, 200 + 30_000 + 10_000 * 10_000 / 60_000 + 200_000 + 10_000 / 8 + 49_995_000 / 10);
    }

    #[test]
    fn locals_cost_as_often_as_control_parts() {
        let with = |locals| estimate(locals, &[Operator::Else], 1000);
        assert_eq!(with(1000) - with(0), 1000 * 1000 * 7 / 10);
    }

    #[test]
    fn a_branch_that_leads_nowhere_is_left_to_the_validator() {
        assert_eq!(estimate(0, &[Operator::BrIf { relative_depth: u32::MAX }], 1), 200 + 3 + 20);
    }
}
